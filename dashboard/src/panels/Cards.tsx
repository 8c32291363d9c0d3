import './Cards.css';
import type { ReactNode } from 'react';
import type { Whole } from '@/api/types.ts';
import { Count, Milliseconds, Percent } from '@/ui/Number.tsx';
import { Sparkline } from '@/ui/Sparkline.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import type { Compare } from '@/url/view.ts';

interface CardProps {
  label: string;
  value: ReactNode;
  below?: ReactNode;
  now: number | null;         // what is compared
  before: number | null | undefined;
  better: 'more' | 'less' | 'neither';
  compare: Compare;
  course?: readonly (number | null)[];
  kind?: 'bad';
}

function Change({ now, before, better, compare }: Pick<CardProps, 'now' | 'before' | 'better' | 'compare'>) {
  const { usage } = useText();
  const format = useFormat();
  if (now === null || before === null || before === undefined || before === 0 || compare === 'none')
    return null;
  const ratio = now / before - 1;
  const than = usage.before[compare];
  if (Math.abs(ratio) < 0.0005)
    return <p className="card-change soft">{usage.same(than)}</p>;
  const isGood = better === 'neither' ? null : (ratio > 0) === (better === 'more');
  return (
    <p className={`card-change ${isGood === null ? 'soft' : isGood ? 'good' : 'bad'}`} title={format.exact(before)}>
      {ratio > 0 ? `↑ ${usage.more(format.change(ratio), than)}` : `↓ ${usage.less(format.change(ratio), than)}`}
    </p>
  );
}

export function Card({ label, value, below, course, kind, ...change }: CardProps) {
  return (
    <section className="card" aria-label={label}>
      <h2 className="card-label">{label}</h2>
      <p className={kind ? `card-value ${kind}` : 'card-value'}>{value}</p>
      {below ? <p className="card-below">{below}</p> : null}
      <Change {...change} />
      {course ? <div className="card-course"><Sparkline values={course} kind={kind ?? 'plain'} /></div> : null}
    </section>
  );
}

const rate = (p: { calls: number; error_rate: number | null }): number | null => (p.error_rate === null ? null : 1 - p.error_rate);

// The four cards of the older pages: calls, success rate, response time, errors.
export function Cards({ of, compare, more }: { of: Whole; compare: Compare; more?: ReactNode }) {
  const { usage } = useText();
  const { totals: t, points } = of;
  const b = of.before?.totals;
  const by = t.errors_by;
  return (
    <div className="cards">
      <Card label={usage.calls} value={<Count value={t.calls} />} now={t.calls} before={b?.calls} better="neither" compare={compare}
        course={points.map((p) => p.calls)} />
      <Card label={usage.successRate} value={<Percent value={t.success_rate} />} now={t.success_rate} before={b?.success_rate}
        better="more" compare={compare} course={points.map(rate)} />
      <Card label={usage.responseTime} value={<Milliseconds value={t.mean_ms} />} now={t.mean_ms} before={b?.mean_ms} better="less"
        compare={compare} course={points.map((p) => p.mean_ms)}
        below={<>{usage.p95} <Milliseconds value={t.p95_ms} /> · {usage.p99} <Milliseconds value={t.p99_ms} /></>} />
      <Card label={usage.errors} value={<Count value={t.errors} />} now={t.errors} before={b?.errors} better="less" compare={compare}
        course={points.map((p) => p.errors)} {...(t.errors > 0 ? { kind: 'bad' as const } : {})}
        below={<>{usage.ours} <Count value={by.ours} /> · {usage.upstream} <Count value={by.upstream} /> · {usage.client} <Count value={by.client} /></>} />
      {more}
    </div>
  );
}
