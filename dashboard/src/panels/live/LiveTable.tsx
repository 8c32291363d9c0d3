import './live.css';
import { memo } from 'react';
import type { LiveRow } from '@/query/liveRows.ts';
import { useFormat, useText } from '@/ui/reader.tsx';
import { AtCell, EndCell, MethodCell, RouteCell, StatusCell, TokenCell, TookCell } from '../records/cells.tsx';
import type { Own } from '../records/useRecords.ts';

interface RowProps { row: LiveRow; hasRoute: boolean; hasToken: boolean; zone: string }

function GapRow({ row, columns }: { row: LiveRow & { kind: 'gap' }; columns: number }) {
  const { live } = useText().records;
  const format = useFormat();
  const text = row.why === 'hidden' ? live.wasHidden : row.count === null ? live.droppedSome : live.dropped(format.exact(row.count));
  return <tr className="live-gap"><td colSpan={columns}>{text}</td></tr>;
}

// Drawn once: what comes above it leaves it as it is.
const Row = memo(function Row({ row, hasRoute, hasToken, zone }: RowProps) {
  if (row.kind === 'gap')
    return <GapRow row={row} columns={5 + Number(hasRoute) + Number(hasToken)} />;
  const { call } = row;
  return (
    <tr>
      <th scope="row"><AtCell call={call} zone={zone} short /></th>
      <td><StatusCell call={call} /></td>
      <td className="live-hide-phone"><MethodCell call={call} /></td>
      <td className="number"><TookCell call={call} /></td>
      {hasRoute && <td><RouteCell call={call} /></td>}
      {hasToken && <td><TokenCell call={call} /></td>}
      <td className="live-hide-phone"><EndCell call={call} /></td>
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
          {hasToken && <th scope="col">{usage.token}</th>}
          <th scope="col" className="live-hide-phone">{records.error}</th>
        </tr>
      </thead>
      <tbody>{rows.map((row) => <Row key={row.key} row={row} hasRoute={hasRoute} hasToken={hasToken} zone={zone} />)}</tbody>
    </table>
  );
}
