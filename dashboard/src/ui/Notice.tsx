import './Notice.css';
import type { ReactNode } from 'react';
import { Icon } from './Icon.tsx';

type Kind = 'info' | 'warn' | 'bad' | 'good';

interface Props { kind: Kind; children: ReactNode; beside?: ReactNode; acts?: ReactNode; isSpoken?: boolean }

// Said aloud is what it says (`children`), and again whenever that changes: what does so by itself stands `beside` it,
// or it is not spoken.
export function Notice({ kind, children, beside, acts, isSpoken = true }: Props) {
  return (
    <div className={`notice notice-${kind}`}>
      {kind === 'info' ? null : <Icon name={kind === 'good' ? 'check' : 'warn'} />}
      <div className="notice-text">
        <div role={!isSpoken ? undefined : kind === 'bad' ? 'alert' : 'status'}>{children}</div>
        {beside}
      </div>
      {acts ? <div className="notice-acts">{acts}</div> : null}
    </div>
  );
}
