// A time chart with its legend, its one-sentence summary, and the same array as a table.
import { Skeleton } from '@/ui/Skeleton.tsx';
import { Table } from '@/ui/Table.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { ChartLegend } from './ChartLegend.tsx';
import { printExactly } from './units.ts';
import { TimeChart } from './lazy.ts';
import type { TimeChartProps } from './TimeChart.tsx';

interface Props extends TimeChartProps { summary: string; asTable: boolean; legend?: boolean }

function TimeTable({ name, rows, series, zone }: Pick<TimeChartProps, 'name' | 'rows' | 'series' | 'zone'>) {
  const format = useFormat(zone);
  const { usage } = useText();
  return (
    <Table caption={name} rows={rows} rowKey={(r) => r.at} columns={[
      { key: 'at', head: `${usage.at} (${zone})`, isHead: true, cell: (r) => format.minute(new Date(r.at)) },
      ...series.map((s) => ({
        key: s.key, head: s.label, number: true, cell: (r: (typeof rows)[number]) => printExactly(format, s.unit, r.values[s.key]),
      })),
    ]} />
  );
}

export function TimeFigure({ summary, asTable, legend = true, ...chart }: Props) {
  if (asTable)
    return <TimeTable {...chart} />;
  return (
    <figure aria-label={chart.name}>
      <figcaption className="only-read">{summary}</figcaption>
      <TimeChart {...chart} waiting={<Skeleton height={chart.height} what={chart.name} />} />
      {legend && <ChartLegend series={chart.series} />}
    </figure>
  );
}
