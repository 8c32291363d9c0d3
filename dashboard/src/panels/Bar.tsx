import './Bar.css';

// How much of the whole, behind a number.
export function Bar({ share, color = 'var(--series-1)' }: { share: number | null; color?: string }) {
  return (
    <span className="bar" aria-hidden="true">
      <span className="bar-part" style={{ width: `${Math.min(100, Math.max(0, (share ?? 0) * 100))}%`, background: color }} />
    </span>
  );
}
