import './Badge.css';
import type { ReactNode } from 'react';

export type BadgeKind = 'plain' | 'good' | 'warn' | 'bad';

export function Badge({ kind = 'plain', children, title }: { kind?: BadgeKind; children: ReactNode; title?: string }) {
  return <span className={`badge badge-${kind}`} title={title}>{children}</span>;
}
