import './charts.css';
import type { Series } from './series.ts';

export function ChartLegend({ series }: { series: readonly Pick<Series, 'key' | 'label' | 'color' | 'dashed'>[] }) {
  return (
    <ul className="chart-legend">
      {series.map((s) => (
        <li key={s.key}>
          <span className={s.dashed ? 'chart-dot chart-legend-dashed' : 'chart-dot'}
            style={s.dashed ? { borderColor: s.color } : { background: s.color }} />{s.label}
        </li>
      ))}
    </ul>
  );
}
