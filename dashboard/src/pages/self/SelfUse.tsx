import type { ReactNode } from 'react';
import type { Self } from '@/api/types.ts';
import { Count, Milliseconds, Percent } from '@/ui/Number.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { Table } from '@/ui/Table.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';

type Own = Self['use']['last_24h'];
interface Row { name: string; cell: (of: Own) => ReactNode }

export function SelfUse({ use }: { use: Self['use'] }) {
  const { self: words } = useText().tokens;
  const format = useFormat();
  const rows: Row[] = [
    { name: words.calls, cell: (u) => <Count value={u.calls} /> },
    { name: words.errors, cell: (u) => <Count value={u.errors} /> },
    { name: words.successRate, cell: (u) => <Percent value={u.success_rate} /> },
    { name: words.mean, cell: (u) => <Milliseconds value={u.mean_ms} /> },
    { name: words.received, cell: (u) => format.bytes(u.bytes_in) },
    { name: words.sent, cell: (u) => format.bytes(u.bytes_out) },
  ];
  return (
    <Panel title={words.use} flush>
      <Table caption={words.use} rows={rows} rowKey={(r) => r.name} columns={[
        { key: 'name', head: words.measure, isHead: true, cell: (r) => r.name },
        { key: 'day', head: words.last24h, number: true, cell: (r) => r.cell(use.last_24h) },
        { key: 'month', head: words.last30d, number: true, cell: (r) => r.cell(use.last_30d) },
      ]} />
    </Panel>
  );
}
