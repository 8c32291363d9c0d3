import './Sparkline.css';

const WIDTH = 120;
const HEIGHT = 32;

// The course of a number, without axes: a picture beside the number itself. Gaps where there is none.
export function Sparkline({ values, kind = 'plain' }: { values: readonly (number | null)[]; kind?: 'plain' | 'bad' }) {
  const most = Math.max(0, ...values.map((v) => v ?? 0));
  const x = (i: number): number => (values.length < 2 ? 0 : (i / (values.length - 1)) * WIDTH);
  const y = (v: number): number => HEIGHT - 2 - (most > 0 ? (v / most) * (HEIGHT - 4) : 0);
  let isDown = false;
  const line = values.map((v, i) => {
    const step = v === null ? '' : `${isDown ? 'L' : 'M'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
    isDown = v !== null;
    return step;
  }).join('');
  return (
    <svg className={`sparkline sparkline-${kind}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true"
      focusable="false"><path d={line} vectorEffect="non-scaling-stroke" /></svg>
  );
}
