import './Button.css';
import type { ReactNode } from 'react';

interface Props {
  children: ReactNode;
  onClick?: () => void;
  kind?: 'plain' | 'main' | 'danger' | 'quiet';
  type?: 'button' | 'submit';
  label?: string;     // spoken, where what is seen says less
  disabled?: boolean;
  pressed?: boolean;  // of a switch
  busy?: boolean;     // what it began goes on
}

export function Button({ children, onClick, kind = 'plain', type = 'button', label, disabled, pressed, busy }: Props) {
  return (
    <button type={type} className={`button button-${kind}`} onClick={onClick} disabled={disabled} aria-label={label}
      title={label} aria-pressed={pressed} aria-busy={busy}>{children}</button>
  );
}
