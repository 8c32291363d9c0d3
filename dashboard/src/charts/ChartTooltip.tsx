import type { Format } from '@/text/format.ts';
import { useText } from '@/ui/reader.tsx';
import { printExactly } from './units.ts';
import type { Series, TimeRow } from './series.ts';

interface Props { row: TimeRow | undefined; series: readonly Series[]; format: Format }

// What the point under the pointer, or the arrow keys, is; spoken too.
export function ChartTooltip({ row, series, format }: Props) {
  const { usage } = useText();
  if (!row)
    return null;
  return (
    <div className="chart-tooltip" role="status">
      <p className="chart-tooltip-at">{`${format.minute(new Date(row.at))} – ${format.minute(new Date(row.until))}`}</p>
      {!row.complete && <p className="soft">{usage.trend.unfinished}</p>}
      <dl>
        {series.map((s) => (
          <div key={s.key}>
            <dt><span className="chart-dot" style={{ background: s.color }} />{s.label}</dt>
            <dd>{printExactly(format, s.unit, row.values[s.key])}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
