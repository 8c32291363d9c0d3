import './PageHead.css';
import { useEffect } from 'react';
import type { ReactNode } from 'react';

// The page's name, in the tab too, and what can be done with all of it.
export function PageHead({ title, children, below }: { title: string; children?: ReactNode; below?: ReactNode }) {
  useEffect(() => { document.title = `${title} · Tollgate`; }, [title]);
  return (
    <div className="page-head">
      <div className="page-head-row">
        <h1 tabIndex={-1}>{title}</h1>
        {children ? <div className="page-head-acts">{children}</div> : null}
      </div>
      {below}
    </div>
  );
}
