// A course over time: lines, areas and bars, at most two units, each with an axis of its own.
import './charts.css';
import { Area, Bar, CartesianGrid, ComposedChart, Line, ReferenceArea, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { useFormat } from '@/ui/reader.tsx';
import { ChartTooltip } from './ChartTooltip.tsx';
import { printUnit } from './units.ts';
import { stepMs, ticksOf } from './series.ts';
import type { Series, TimeRow } from './series.ts';
import { useZoom } from './useZoom.ts';
import type { Zoom } from './useZoom.ts';

export interface TimeChartProps {
  name: string;
  rows: readonly TimeRow[];
  series: readonly Series[];
  zone: string;
  height: number;
  syncId?: string | undefined;
  onZoom?: Zoom | undefined;
}

// Functions that return elements: recharts looks at its children's types.
function drawn(s: Series) {
  const shared = {
    dataKey: (row: TimeRow) => row.values[s.key] ?? null, name: s.label, yAxisId: s.unit, isAnimationActive: false,
    stroke: s.color, ...(s.stack ? { stackId: s.stack } : {}),
  };
  if (s.kind === 'bar')
    return <Bar key={s.key} {...shared} fill={s.color} stroke="none" maxBarSize={28} />;
  const line = { ...shared, type: 'linear' as const, strokeWidth: 2, dot: false, connectNulls: false,
    ...(s.dashed ? { strokeDasharray: '4 4', strokeWidth: 1.5 } : {}) };
  return s.kind === 'line'
    ? <Line key={s.key} {...line} activeDot={{ r: 3 }} />
    : <Area key={s.key} {...line} fill={s.color} fillOpacity={s.stack ? 0.55 : 0.12} />;
}

export default function TimeChart({ name, rows, series, zone, height, syncId, onZoom }: TimeChartProps) {
  const format = useFormat(zone);
  const { drag, start, move, end, leave } = useZoom(rows, onZoom);
  const units = [...new Set(series.map((s) => s.unit))];
  const { ticks, isDays } = ticksOf(rows);
  const step = isDays ? 86_400_000 : stepMs(rows);
  return (
    <div className="chart" style={{ height }}>
      <ResponsiveContainer width="100%" height="100%">
        <ComposedChart data={[...rows]} margin={{ top: 8, right: units.length > 1 ? 0 : 12, bottom: 0, left: 0 }}
          title={name} {...(syncId ? { syncId } : {})} onMouseDown={start} onMouseMove={move} onMouseUp={end} onMouseLeave={leave}>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis dataKey="at" ticks={ticks} interval="preserveStartEnd" minTickGap={32} tickLine={false} stroke="var(--line-strong)"
            tick={{ fill: 'var(--soft)', fontSize: 12 }} tickFormatter={(at: string) => format.axis(new Date(at), step)} />
          {units.map((unit, i) => (
            <YAxis key={unit} yAxisId={unit} orientation={i === 0 ? 'left' : 'right'} width={56} tickLine={false} axisLine={false}
              tick={{ fill: 'var(--soft)', fontSize: 12 }} tickFormatter={(v: number) => printUnit(format, unit, v)}
              domain={[0, 'auto']} allowDecimals={unit !== 'count'} />
          ))}
          <Tooltip isAnimationActive={false} cursor={{ stroke: 'var(--line-strong)', fill: 'var(--sunken)', fillOpacity: 0.6 }}
            content={({ active, label }) => (active
              ? <ChartTooltip row={rows.find((r) => r.at === label)} series={series} format={format} /> : null)} />
          {series.map(drawn)}
          {drag && <ReferenceArea yAxisId={units[0] ?? 'count'} x1={drag.from} x2={drag.to} fill="var(--accent)" fillOpacity={0.15} />}
        </ComposedChart>
      </ResponsiveContainer>
    </div>
  );
}
