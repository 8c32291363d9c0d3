import type { Whole } from '@/api/types.ts';
import { Count } from '@/ui/Number.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { Table } from '@/ui/Table.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { PanelMenu } from './PanelMenu.tsx';
import { csvOf } from './csv.ts';

// What no number above has: calls without a record, and requests without a known key. Shown where there is any.
export function GapsPanel({ of, zone, address }: { of: Whole; zone: string; address: string }) {
  const { usage } = useText();
  const format = useFormat(zone);
  if (of.dropped === 0 && of.refused === 0)
    return null;
  const csv = (): string => csvOf(['reason', 'route', 'network', 'requests', 'first_at', 'last_at'], [
    ...of.gaps.map((g) => ['dropped', g.route, '', g.dropped, g.first_at, g.last_at]),
    ...of.refusals.map((r) => [r.reason, r.route, r.network, r.requests, r.first_at, r.last_at])]);
  return (
    <Panel title={usage.gaps.title} tools={<PanelMenu of={usage.gaps.title} address={address} csv={csv} />}>
      {of.dropped > 0 && <p className="warn">{usage.gaps.dropped(of.dropped, format.exact(of.dropped))}</p>}
      {of.refused > 0 && <p>{usage.gaps.refused(of.refused, format.exact(of.refused))}</p>}
      {of.refusals.length > 0 && (
        <Table caption={usage.gaps.title} rows={of.refusals} rowKey={(r) => `${r.route}${r.reason}${r.network}`} columns={[
          { key: 'reason', head: usage.gaps.reason, isHead: true, cell: (r) => <code>{r.reason}</code> },
          { key: 'route', head: usage.route, cell: (r) => <code>{r.route ?? usage.noRoute}</code> },
          { key: 'network', head: usage.gaps.network, cell: (r) => r.network },
          { key: 'requests', head: usage.gaps.requests, number: true, cell: (r) => <Count value={r.requests} /> },
          { key: 'at', head: usage.at, cell: (r) => format.minute(new Date(r.last_at)) },
        ]} />
      )}
    </Panel>
  );
}
