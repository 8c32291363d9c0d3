import './records.css';
import type { ExplainedCall } from '@/api/types.ts';
import { useFormat, useText } from '@/ui/reader.tsx';
import { timeParts } from './timeSplit.ts';
import type { Part } from './timeSplit.ts';

// The colours that errors of each have.
const COLORS: Record<Part, string> = { us: 'var(--series-6)', upstream: 'var(--series-2)', client: 'var(--series-5)' };

// Where a call's time went, as a bar with its legend.
export function TimeSplit({ time }: { time: ExplainedCall['explanation']['time'] }) {
  const { call } = useText().records;
  const format = useFormat();
  if (time === null)
    return <p className="soft">{call.noTime}</p>;
  const parts = timeParts(time);
  const label = (part: Part): string => call[part];
  return (
    <figure aria-label={call.time}>
      <div className="split" role="img" aria-label={call.summary(parts.map((p) => `${label(p.part)} ${format.ms(p.ms)}`).join(', '))}>
        {parts.filter((p) => p.ms > 0).map((p) => (
          <span key={p.part} className="split-part" style={{ flex: `${p.ms} 1 0`, background: COLORS[p.part] }} />
        ))}
      </div>
      <ul className="split-legend">
        {parts.map((p) => (
          <li key={p.part}><span className="split-dot" style={{ background: COLORS[p.part] }} />
            {label(p.part)} {format.ms(p.ms)} <span className="soft">({format.percent(p.share)})</span></li>
        ))}
      </ul>
    </figure>
  );
}
