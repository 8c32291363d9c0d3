import { addressOfGet } from '@/api/call.ts';
import type { ExplainedCall } from '@/api/types.ts';
import { Badge } from '@/ui/Badge.tsx';
import { Copy } from '@/ui/Copy.tsx';
import { Facts } from '@/ui/Facts.tsx';
import type { Fact } from '@/ui/Facts.tsx';
import { Link } from '@/ui/Link.tsx';
import { Milliseconds } from '@/ui/Number.tsx';
import { Words } from '@/ui/Words.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';
import { origin } from '@/url/place.ts';
import { curlOf } from '../commands.ts';
import { statusKind } from '../status.ts';
import { TimeSplit } from './TimeSplit.tsx';

function Id({ id }: { id: string | null }) {
  return id === null ? <>–</> : <span className="call-command"><code>{id}</code><Copy text={id} /></span>;
}

function How({ call: c }: { call: ExplainedCall }) {
  const { call } = useText().records;
  const { text, advice, code, fault } = c.explanation;
  return (
    <div className="call-how">
      <p className="call-end">
        <Badge kind={statusKind(c.response_status)}>{c.response_status ?? '–'}</Badge>
        <strong>{[c.request_method, c.route_path].filter(Boolean).join(' ')}</strong>
        <span><Words>{text}</Words></span>
      </p>
      <Facts items={[
        { label: call.advice, value: advice && <Words>{advice}</Words>, wide: true },
        { label: call.fault, value: fault === 'none' ? null : call.faults[fault] },
        { label: call.code, value: code && <><code>{code}</code> <span className="soft">{call.codeHint}</span></> },
        { label: call.error, value: c.error_message && <code>{c.error_message}</code>, wide: true },
      ]} />
    </div>
  );
}

function useFacts(c: ExplainedCall, zone: string): Fact[] {
  const { records, usage } = useText();
  const { call } = records;
  const format = useFormat(zone);
  const size = (n: number | null): string => (n === null ? '–' : format.bytes(n));
  return [
    { label: `${records.at} (${zone})`, value: format.instant(new Date(c.used_at)) },
    { label: call.token, value: c.token_id === null ? usage.noToken
      : <Link href={hrefOf({ name: 'token', id: c.token_id })}>{c.token_name ?? `#${c.token_id}`}</Link> },
    { label: call.route, value: c.route_path === null ? usage.noRoute
      : <Link href={hrefOf({ name: 'route', path: c.route_path })}><code>{c.route_path}</code></Link> },
    { label: records.outcome, value: c.outcome && <code>{c.outcome}</code> },
    { label: call.upstreamStatus, value: c.upstream_status ?? '–' },
    { label: call.total, value: <Milliseconds value={c.total_ms} /> },
    { label: call.response, value: <Milliseconds value={c.response_time_ms} /> },
    { label: call.first, value: <Milliseconds value={c.ttfb_ms} /> },
    { label: call.bytes, value: `${size(c.bytes_in)}, ${size(c.bytes_out)}` },
    { label: records.address, value: c.ip_address && <code>{c.ip_address}</code> },
    { label: call.node, value: c.node },
    { label: call.agent, value: c.user_agent, wide: true },
    { label: call.tags, value: c.tags && <code>{JSON.stringify(c.tags)}</code>, wide: true },
    { label: call.id, value: <Id id={c.request_id} />, wide: true },
    { label: call.trace, value: c.trace_id && <Id id={c.trace_id} />, wide: true },
  ];
}

// All that is known of one call.
export function CallRecord({ call: c, zone }: { call: ExplainedCall; zone: string }) {
  const { records, common } = useText();
  const facts = useFacts(c, zone);
  const id = c.request_id ?? '';
  const explain = `tollgate explain ${id}`;
  const curl = curlOf(addressOfGet('/api/usage/logs/{request_id}', { path: { request_id: id } }), origin());
  return (
    <>
      <How call={c} />
      <section className="call-how">
        <h3>{records.call.time}</h3>
        <TimeSplit time={c.explanation.time} />
      </section>
      <Facts items={facts} />
      <div className="call-command">
        <span className="soft">{records.call.explain}</span><code>{explain}</code><Copy text={explain} />
        <Copy text={curl}>{common.panel.copyCurl}</Copy>
      </div>
    </>
  );
}
