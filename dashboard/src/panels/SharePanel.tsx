import { ShareChart } from '@/charts/lazy.ts';
import { REST_COLOR, seriesColor } from '@/charts/series.ts';
import { Panel } from '@/ui/Panel.tsx';
import { Skeleton } from '@/ui/Skeleton.tsx';
import { useFormat } from '@/ui/reader.tsx';
import { useText } from '@/ui/reader.tsx';
import './SharePanel.css';
import { PanelMenu } from './PanelMenu.tsx';
import type { Ranked } from './Ranking.tsx';
import { TableSwitch } from './TableSwitch.tsx';
import { csvOf } from './csv.ts';
import { useTable } from './useTable.ts';

const MOST = 8;
interface Part { key: string; label: string; value: number; color: string; face: Ranked['face'] }

// The first eight and all others, so that the ring is the whole.
function partsOf(rows: readonly Ranked[], restName: string): Part[] {
  const named = rows.filter((r) => r.key !== 'others').slice(0, MOST);
  const rest = rows.filter((r) => !named.includes(r));
  const value = rest.reduce((sum, r) => sum + r.calls, 0);
  const parts = named.map((r, i) => ({ key: r.key, label: r.name, value: r.calls, color: seriesColor(i), face: r.face }));
  return value > 0 ? [...parts, { key: 'others', label: restName, value, color: REST_COLOR, face: restName }] : parts;
}

// How calls are distributed: a ring, and its table beside it, which is its legend.
export function SharePanel({ title, of, rows, address }: { title: string; of: string; rows: readonly Ranked[]; address: string }) {
  const { common, usage } = useText();
  const format = useFormat();
  const table = useTable();
  const parts = partsOf(rows, common.state.other);
  const total = parts.reduce((sum, p) => sum + p.value, 0);
  const csv = (): string => csvOf(['name', 'calls'], parts.map((p) => [p.label, p.value]));
  return (
    <Panel title={title} tools={<><TableSwitch {...table} /><PanelMenu of={title} address={address} csv={csv} /></>}>
      <div className="share">
        {!table.asTable && (
          <figure aria-label={title} className="share-ring">
            <figcaption className="only-read">{parts.map((p) => `${p.label}: ${format.percent(total > 0 ? p.value / total : 0)}`).join(', ')}</figcaption>
            <ShareChart name={title} shares={parts} height={200} waiting={<Skeleton height={200} what={title} />} />
          </figure>
        )}
        <table className="share-table">
          <caption className="only-read">{title}</caption>
          <thead className="only-read"><tr><th scope="col">{of}</th><th scope="col">{usage.calls}</th><th scope="col">{usage.shareOf}</th></tr></thead>
          <tbody>
            {parts.map((p) => (
              <tr key={p.key}>
                <th scope="row"><span className="chart-dot" style={{ background: p.color }} />{p.face}</th>
                <td className="number" title={format.exact(p.value)}>{format.count(p.value)}</td>
                <td className="number">{format.percent(total > 0 ? p.value / total : 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
