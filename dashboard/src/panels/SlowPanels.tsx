import type { Call, SlowRoute } from '@/api/types.ts';
import { Badge } from '@/ui/Badge.tsx';
import { Link } from '@/ui/Link.tsx';
import { Count, Milliseconds } from '@/ui/Number.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { Table } from '@/ui/Table.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';
import { PanelMenu } from './PanelMenu.tsx';
import { callHref } from './callHref.ts';
import { csvOf } from './csv.ts';
import { statusKind } from './status.ts';

export function SlowRoutes({ rows, address }: { rows: readonly SlowRoute[]; address: string }) {
  const { usage } = useText();
  const csv = (): string => csvOf(['route', 'calls', 'p50_ms', 'p95_ms', 'p99_ms', 'max_ms'],
    rows.map((r) => [r.route, r.calls, r.p50_ms, r.p95_ms, r.p99_ms, r.max_ms]));
  return (
    <Panel title={usage.slowRoutes} flush tools={<PanelMenu of={usage.slowRoutes} address={address} csv={csv} />}>
      <Table caption={usage.slowRoutes} rows={rows} rowKey={(r) => r.route ?? ''} columns={[
        { key: 'route', head: usage.route, isHead: true, cell: (r) => (r.route === null ? usage.noRoute
          : <Link href={hrefOf({ name: 'route', path: r.route })}><code>{r.route}</code></Link>) },
        { key: 'calls', head: usage.calls, number: true, cell: (r) => <Count value={r.calls} /> },
        { key: 'p50', head: usage.p50, number: true, cell: (r) => <Milliseconds value={r.p50_ms} /> },
        { key: 'p95', head: usage.p95, number: true, cell: (r) => <Milliseconds value={r.p95_ms} /> },
        { key: 'p99', head: usage.p99, number: true, cell: (r) => <Milliseconds value={r.p99_ms} /> },
        { key: 'max', head: usage.max, number: true, cell: (r) => <Milliseconds value={r.max_ms} /> },
      ]} />
    </Panel>
  );
}

export function SlowCalls({ rows, address, zone }: { rows: readonly Call[]; address: string; zone: string }) {
  const { usage } = useText();
  const format = useFormat(zone);
  const csv = (): string => csvOf(['used_at', 'request_id', 'token', 'route', 'status', 'response_time_ms'],
    rows.map((r) => [r.used_at, r.request_id, r.token_name, r.route_path, r.response_status, r.response_time_ms]));
  return (
    <Panel title={usage.slowCalls} flush tools={<PanelMenu of={usage.slowCalls} address={address} csv={csv} />}>
      <Table caption={usage.slowCalls} rows={rows} rowKey={(r) => String(r.id)} columns={[
        { key: 'at', head: usage.at, isHead: true, cell: (r) => {
          const href = callHref(r);
          const at = <time dateTime={r.used_at}>{format.minute(new Date(r.used_at))}</time>;
          return href ? <Link href={href}>{at}</Link> : at;
        } },
        { key: 'took', head: usage.took, number: true, cell: (r) => <Milliseconds value={r.response_time_ms} /> },
        { key: 'status', head: usage.status, cell: (r) => <Badge kind={statusKind(r.response_status)}>{r.response_status ?? '–'}</Badge> },
        { key: 'route', head: usage.route, cell: (r) => <code>{r.route_path ?? usage.noRoute}</code> },
        { key: 'token', head: usage.token, cell: (r) => (r.token_id === null ? usage.noToken
          : <Link href={hrefOf({ name: 'token', id: r.token_id })}>{r.token_name ?? `#${r.token_id}`}</Link>) },
      ]} />
    </Panel>
  );
}
