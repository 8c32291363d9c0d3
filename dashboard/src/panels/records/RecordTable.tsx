import './records.css';
import type { Call } from '@/api/types.ts';
import { Table } from '@/ui/Table.tsx';
import type { Column } from '@/ui/Table.tsx';
import { useText } from '@/ui/reader.tsx';
import { AddressCell, AtCell, EndCell, MethodCell, RouteCell, StatusCell, TokenCell, TookCell } from './cells.tsx';
import type { Own } from './useRecords.ts';

interface Props { rows: readonly Call[]; own: Own; zone: string }

// Single calls, latest first; without the column of what the page itself is about.
export function RecordTable({ rows, own, zone }: Props) {
  const { records, usage } = useText();
  const columns: (Column<Call> | false)[] = [
    { key: 'at', head: records.at, isHead: true, cell: (call) => <AtCell call={call} zone={zone} /> },
    { key: 'status', head: records.status, cell: (call) => <StatusCell call={call} /> },
    { key: 'took', head: records.took, number: true, cell: (call) => <TookCell call={call} /> },
    { key: 'method', head: records.method, hide: 'phone', cell: (call) => <MethodCell call={call} /> },
    own.route === undefined && { key: 'route', head: usage.route, cell: (call) => <RouteCell call={call} /> },
    own.token === undefined && { key: 'token', head: usage.token, cell: (call) => <TokenCell call={call} /> },
    { key: 'address', head: records.address, hide: 'tablet', cell: (call) => <AddressCell call={call} /> },
    { key: 'end', head: records.error, hide: 'phone', cell: (call) => <EndCell call={call} /> },
  ];
  return <Table caption={records.title} rows={rows} rowKey={(c) => String(c.id)} columns={columns.filter((c) => c !== false)} />;
}
