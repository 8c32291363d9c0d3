import './PageHead.css';
import { useEffect, useRef } from 'react';
import type { ReactNode } from 'react';
import { currentPlace } from '@/url/place.ts';

const first = currentPlace();

// The page's name, in the tab too, and what can be done with all of it. Keys go on from here where what had the focus
// went with the former page; a page that the browser itself has loaded begins at its top.
export function PageHead({ title, children, below }: { title: string; children?: ReactNode; below?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (currentPlace() !== first && document.activeElement === document.body)
      heading.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => { document.title = `${title} · Tollgate`; }, [title]);
  return (
    <div className="page-head">
      <div className="page-head-row">
        <h1 ref={heading} tabIndex={-1}>{title}</h1>
        {children ? <div className="page-head-acts">{children}</div> : null}
      </div>
      {below}
    </div>
  );
}
