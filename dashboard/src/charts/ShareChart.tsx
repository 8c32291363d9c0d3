// Parts of a whole, as a ring.
import './charts.css';
import { Cell, Pie, PieChart, ResponsiveContainer, Tooltip } from 'recharts';
import { useFormat } from '@/ui/reader.tsx';
import type { Share } from './series.ts';

export interface ShareChartProps { name: string; shares: readonly Share[]; height: number }

export default function ShareChart({ name, shares, height }: ShareChartProps) {
  const format = useFormat();
  const total = shares.reduce((sum, s) => sum + s.value, 0);
  return (
    <div className="chart" style={{ height }}>
      <ResponsiveContainer width="100%" height="100%">
        <PieChart title={name}>
          <Pie data={[...shares]} dataKey="value" nameKey="label" innerRadius="58%" outerRadius="94%" isAnimationActive={false}
            stroke="var(--surface)" strokeWidth={2} startAngle={90} endAngle={-270}>
            {shares.map((s) => <Cell key={s.key} fill={s.color} />)}
          </Pie>
          <Tooltip isAnimationActive={false} content={({ active, payload }) => {
            const found = active ? shares.find((s) => s.label === payload[0]?.name) : undefined;
            return found ? (
              <div className="chart-tooltip" role="status">
                {`${found.label}: ${format.exact(found.value)} (${format.percent(total > 0 ? found.value / total : 0)})`}
              </div>
            ) : null;
          }} />
        </PieChart>
      </ResponsiveContainer>
    </div>
  );
}
