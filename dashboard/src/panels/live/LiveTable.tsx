import './live.css';
import { memo } from 'react';
import type { LiveRow } from '@/query/liveRows.ts';
import { Badge } from '@/ui/Badge.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { AtCell } from '../records/cells.tsx';
import type { Own } from '../records/useRecords.ts';
import { statusKind } from '../status.ts';

const endOf = (outcome: string | null): string | null => (outcome === 'complete' ? null : outcome);

interface RowProps { row: LiveRow; hasRoute: boolean; hasToken: boolean; zone: string }

function GapRow({ row, columns }: { row: LiveRow & { kind: 'gap' }; columns: number }) {
  const { live } = useText().records;
  const format = useFormat();
  const text = row.why === 'hidden' ? live.wasHidden : row.count === null ? live.droppedSome : live.dropped(format.exact(row.count));
  return <tr className="live-gap"><td colSpan={columns}>{text}</td></tr>;
}

// Drawn once: what comes above it leaves it as it is. Plain texts: hundreds may come in a second, and what moves is
// hard to click on.
const Row = memo(function Row({ row, hasRoute, hasToken, zone }: RowProps) {
  const { usage } = useText();
  const format = useFormat(zone);
  if (row.kind === 'gap')
    return <GapRow row={row} columns={5 + Number(hasRoute) + Number(hasToken)} />;
  const { call } = row;
  return (
    <tr>
      <th scope="row"><AtCell call={call} zone={zone} short /></th>
      <td><Badge kind={statusKind(call.response_status)}>{call.response_status ?? '–'}</Badge></td>
      <td className="live-hide-phone">{call.request_method ?? '–'}</td>
      <td className="number">{call.response_time_ms === null ? '–' : format.ms(call.response_time_ms)}</td>
      {hasRoute && <td><code>{call.route_path ?? usage.noRoute}</code></td>}
      {hasToken && <td className={hasRoute ? 'live-hide-phone' : undefined}>{call.token_name ?? (call.token_id === null ? usage.noToken : `#${call.token_id}`)}</td>}
      <td className="live-hide-phone soft" title={call.error_message ?? undefined}>{call.error_message ?? endOf(call.outcome)}</td>
    </tr>
  );
});

// Columns of fixed widths: nothing moves sideways while rows come.
export function LiveTable({ rows, own, zone }: { rows: readonly LiveRow[]; own: Own; zone: string }) {
  const { records, usage } = useText();
  const hasRoute = own.route === undefined;
  const hasToken = own.token === undefined;
  return (
    <table className="live-table">
      <caption className="only-read">{records.live.title}</caption>
      <thead>
        <tr>
          <th scope="col" className="live-at">{records.at}</th>
          <th scope="col" className="live-status">{records.status}</th>
          <th scope="col" className="live-method live-hide-phone">{records.method}</th>
          <th scope="col" className="live-took number">{records.took}</th>
          {hasRoute && <th scope="col">{usage.route}</th>}
          {hasToken && <th scope="col" className={hasRoute ? 'live-hide-phone' : undefined}>{usage.token}</th>}
          <th scope="col" className="live-hide-phone">{records.error}</th>
        </tr>
      </thead>
      <tbody>{rows.map((row) => <Row key={row.key} row={row} hasRoute={hasRoute} hasToken={hasToken} zone={zone} />)}</tbody>
    </table>
  );
}
