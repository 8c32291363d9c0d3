import './Facts.css';
import type { ReactNode } from 'react';

export interface Fact { label: string; value: ReactNode; wide?: boolean }

// What something is, as names and values; those without a value are left out.
export function Facts({ items }: { items: readonly Fact[] }) {
  return (
    <dl className="facts">
      {items.filter((f) => f.value !== null && f.value !== undefined).map((f) => (
        <div key={f.label} className={f.wide ? 'facts-wide' : undefined}><dt>{f.label}</dt><dd>{f.value}</dd></div>
      ))}
    </dl>
  );
}
