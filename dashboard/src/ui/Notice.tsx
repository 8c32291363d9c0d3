import './Notice.css';
import type { ReactNode } from 'react';
import { Icon } from './Icon.tsx';

type Kind = 'info' | 'warn' | 'bad' | 'good';

export function Notice({ kind, children, acts }: { kind: Kind; children: ReactNode; acts?: ReactNode }) {
  return (
    <div className={`notice notice-${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {kind === 'info' ? null : <Icon name={kind === 'good' ? 'check' : 'warn'} />}
      <div className="notice-text">{children}</div>
      {acts ? <div className="notice-acts">{acts}</div> : null}
    </div>
  );
}
