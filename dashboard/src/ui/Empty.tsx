import './Empty.css';
import type { ReactNode } from 'react';

// Nothing is there, why, and the next step.
export function Empty({ title, hint, acts }: { title: string; hint?: ReactNode; acts?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {hint ? <div className="soft">{hint}</div> : null}
      {acts ? <div className="empty-acts">{acts}</div> : null}
    </div>
  );
}
