import './Panel.css';
import { useId } from 'react';
import type { ReactNode } from 'react';
import { Broken } from './Broken.tsx';

interface Props { title: string; children: ReactNode; tools?: ReactNode; note?: ReactNode; flush?: boolean }

// A part of a page, with its name and what can be done with it.
export function Panel({ title, children, tools, note, flush }: Props) {
  const heading = useId();
  return (
    <section className="panel" aria-labelledby={heading}>
      <div className="panel-head">
        <h2 id={heading}>{title}</h2>
        {tools ? <div className="panel-tools">{tools}</div> : null}
      </div>
      {note ? <p className="panel-note">{note}</p> : null}
      <div className={flush ? 'panel-body panel-flush' : 'panel-body'}><Broken>{children}</Broken></div>
    </section>
  );
}
