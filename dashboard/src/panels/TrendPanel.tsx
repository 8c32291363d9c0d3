import { useState } from 'react';
import type { Whole } from '@/api/types.ts';
import { TimeFigure } from '@/charts/TimeFigure.tsx';
import type { Series, TimeRow } from '@/charts/series.ts';
import type { Texts } from '@/text/en/texts.ts';
import { Panel } from '@/ui/Panel.tsx';
import { Select } from '@/ui/Select.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import type { Compare } from '@/url/view.ts';
import { PanelMenu } from './PanelMenu.tsx';
import { TableSwitch } from './TableSwitch.tsx';
import { csvOf } from './csv.ts';
import { trendRows } from './timeRows.ts';
import { useTable } from './useTable.ts';
import type { ZoomTools } from './useZoomTools.ts';

type Layout = 'axes' | 'stacked';
interface Props { of: Whole; zone: string; compare: Compare; address: string; zoom: ZoomTools; title?: string }

function callSeries(usage: Texts['usage'], compare: Compare): Series[] {
  const calls: Series = { key: 'calls', label: usage.trend.calls, color: 'var(--series-1)', kind: 'area', unit: 'count' };
  return compare === 'none' ? [calls] : [calls,
    { key: 'before_calls', label: `${usage.trend.calls}, ${usage.before[compare]}`, color: 'var(--series-rest)', kind: 'line', unit: 'count', dashed: true }];
}

const timeSeries = (usage: Texts['usage']): Series[] => [
  { key: 'mean_ms', label: `${usage.trend.time} (${usage.mean})`, color: 'var(--series-2)', kind: 'line', unit: 'ms' },
  { key: 'p95_ms', label: `${usage.trend.time} (${usage.p95})`, color: 'var(--series-4)', kind: 'line', unit: 'ms', dashed: true },
];

function useSummary(of: Whole, rows: readonly TimeRow[], zone: string): string {
  const { usage } = useText();
  const format = useFormat(zone);
  const peak = rows.reduce<TimeRow | undefined>((most, r) => ((r.values['calls'] ?? 0) > (most?.values['calls'] ?? -1) ? r : most), undefined);
  return usage.trend.summary(format.exact(of.totals.calls), format.exact(peak?.values['calls'] ?? 0),
    peak ? format.minute(new Date(peak.at)) : '–');
}

// Calls and response time: on two axes, or as two charts below each other with one crosshair.
export function TrendPanel({ of, zone, compare, address, zoom, title }: Props) {
  const { usage } = useText();
  const [layout, setLayout] = useState<Layout>('axes');
  const table = useTable();
  const name = title ?? usage.trend.title;
  const rows = trendRows(of.points, of.before);
  const calls = callSeries(usage, compare);
  const times = timeSeries(usage);
  const all = [...calls, ...times];
  const summary = useSummary(of, rows, zone);
  const shared = { rows, zone, summary, asTable: table.asTable, onZoom: zoom.zoom };
  const csv = (): string => csvOf(['at', 'until', ...all.map((s) => s.key)],
    rows.map((r) => [r.at, r.until, ...all.map((s) => r.values[s.key])]));
  return (
    <Panel title={name} note={table.asTable ? undefined : usage.trend.zoomHint} tools={<>
      <Select quiet label={name} value={layout} onChange={setLayout}
        options={[{ value: 'axes', label: usage.trend.axes }, { value: 'stacked', label: usage.trend.stacked }]} />
      <TableSwitch {...table} />
      <PanelMenu of={name} address={address} csv={csv} />
    </>}>
      <div onDoubleClick={zoom.back}>
        {layout === 'axes' || table.asTable
          ? <TimeFigure {...shared} name={name} series={all} height={300} />
          : <>
            <TimeFigure {...shared} name={usage.trend.calls} series={calls} height={180} syncId="trend" />
            <TimeFigure {...shared} name={usage.trend.time} series={times} height={180} syncId="trend" />
          </>}
      </div>
    </Panel>
  );
}
