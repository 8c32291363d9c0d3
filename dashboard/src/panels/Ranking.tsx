import type { ReactNode } from 'react';
import { Panel } from '@/ui/Panel.tsx';
import { Count, Milliseconds, Percent } from '@/ui/Number.tsx';
import { Table } from '@/ui/Table.tsx';
import type { Column } from '@/ui/Table.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import type { RankBy } from '@/url/view.ts';
import { Bar } from './Bar.tsx';
import { PanelMenu } from './PanelMenu.tsx';
import { csvOf } from './csv.ts';

export interface Ranked {
  key: string; name: string; face: ReactNode;
  calls: number; errors: number; error_rate: number | null; mean_ms: number | null; time_ms: number; cost: number | null; share: number | null;
}

interface Props { title: string; of: string; rows: readonly Ranked[]; by: RankBy; address: string; tools?: ReactNode; most?: number }

function useColumns(of: string, by: RankBy): Column<Ranked>[] {
  const { usage } = useText();
  const format = useFormat();
  const all: Record<string, Column<Ranked>> = {
    name: { key: 'name', head: of, isHead: true, cell: (r) => <span className="ranked">{r.face}<Bar share={r.share} /></span> },
    share: { key: 'share', head: usage.shareOf, number: true, cell: (r) => <Percent value={r.share} /> },
    calls: { key: 'calls', head: usage.calls, number: true, cell: (r) => <Count value={r.calls} /> },
    errors: { key: 'errors', head: usage.errors, number: true, cell: (r) => <><Count value={r.errors} /> <span className="soft">(<Percent value={r.error_rate} />)</span></> },
    mean: { key: 'mean', head: usage.responseTime, number: true, cell: (r) => <Milliseconds value={r.mean_ms} /> },
    time: { key: 'time', head: usage.time, number: true, cell: (r) => <Milliseconds value={r.time_ms} /> },
    cost: { key: 'cost', head: usage.cost, number: true, cell: (r) => (r.cost === null ? '–' : format.money(r.cost)) },
  };
  const order = ['name', 'share', 'calls', 'errors', by === 'time' ? 'time' : by === 'cost' ? 'cost' : 'mean'];
  return order.flatMap((key) => all[key] ?? []);
}

// The first of a ranking and, as one row, all others: shares add up to the whole.
export function Ranking({ title, of, rows, by, address, tools, most }: Props) {
  const columns = useColumns(of, by);
  const csv = (): string => csvOf(['name', 'calls', 'errors', 'mean_ms', 'time_ms', 'cost', 'share'],
    rows.map((r) => [r.name, r.calls, r.errors, r.mean_ms, r.time_ms, r.cost, r.share]));
  return (
    <Panel title={title} flush tools={<>{tools}<PanelMenu of={title} address={address} csv={csv} /></>}>
      <Table caption={title} columns={columns} rows={most ? rows.slice(0, most) : rows} rowKey={(r) => r.key} />
    </Panel>
  );
}
