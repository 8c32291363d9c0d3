// What a list of single calls has in its columns; a click on a value filters by it.
import type { Call } from '@/api/types.ts';
import { Badge } from '@/ui/Badge.tsx';
import { FilterValue } from '@/ui/FilterValue.tsx';
import { Link } from '@/ui/Link.tsx';
import { Milliseconds } from '@/ui/Number.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { hrefWith } from '@/url/own.ts';
import { usePlace } from '@/url/usePlace.ts';
import { isOurId } from '../callHref.ts';
import { statusKind } from '../status.ts';

type Cell = { call: Call };

// Opens the call's record, where it has an id of ours.
export function AtCell({ call, zone, short }: Cell & { zone: string; short?: boolean }) {
  const format = useFormat(zone);
  const { records } = useText();
  usePlace(); // the link leaves all else of the address as it is then
  const used = new Date(call.used_at);
  const exact = format.instant(used);
  const at = <time dateTime={call.used_at}>{short ? format.time(used) : exact}</time>;
  if (call.request_id === null)
    return at;
  if (!isOurId(call.request_id))
    return <span title={records.noId}>{at}</span>;
  return <Link href={hrefWith('call', call.request_id)} title={records.open(exact)}>{at}</Link>;
}

export function StatusCell({ call }: Cell) {
  const { usage } = useText();
  const status = call.response_status;
  const badge = <Badge kind={statusKind(status)}>{status ?? '–'}</Badge>;
  return status === null || status < 100 ? badge
    : <FilterValue filter={{ name: 'status', value: String(status) }} what={`${usage.status} ${status}`}>{badge}</FilterValue>;
}

export function MethodCell({ call }: Cell) {
  const method = call.request_method;
  return method === null ? <>–</> : <FilterValue filter={{ name: 'method', value: method }} what={method}>{method}</FilterValue>;
}

export function TookCell({ call }: Cell) {
  const format = useFormat();
  const { usage } = useText();
  const ms = call.response_time_ms;
  return ms === null ? <Milliseconds value={ms} /> : (
    <FilterValue filter={{ name: 'min_ms', value: String(Math.floor(ms)) }} what={`${usage.filter.min_ms}: ${format.exact(Math.floor(ms))}`}>
      {format.ms(ms)}
    </FilterValue>
  );
}

export function RouteCell({ call }: Cell) {
  const { usage } = useText();
  const path = call.route_path;
  return path === null ? <span className="soft">{usage.noRoute}</span>
    : <FilterValue filter={{ name: 'route', value: path }} what={path}><code>{path}</code></FilterValue>;
}

export function TokenCell({ call }: Cell) {
  const { usage } = useText();
  if (call.token_id === null)
    return <span className="soft">{usage.noToken}</span>;
  const name = call.token_name ?? `#${call.token_id}`;
  return <FilterValue filter={{ name: 'token', value: String(call.token_id) }} what={name}>{name}</FilterValue>;
}

export function AddressCell({ call }: Cell) {
  const address = call.ip_address;
  return address === null ? <>–</> : <FilterValue filter={{ name: 'address', value: address }} what={address}><code>{address}</code></FilterValue>;
}

// What went otherwise than it should.
export function EndCell({ call }: Cell) {
  const { outcome } = call;
  return (
    <>
      {outcome !== null && outcome !== 'complete' && <FilterValue filter={{ name: 'outcome', value: outcome }} what={outcome}><code>{outcome}</code></FilterValue>}
      {call.error_message !== null && <span className="record-error soft" title={call.error_message}>{call.error_message}</span>}
    </>
  );
}
