import './Menu.css';
import { useEffect, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import { Button } from './Button.tsx';

interface Props {
  label: string;            // spoken
  face: ReactNode;          // what is seen
  children: (close: () => void) => ReactNode;
  align?: 'left' | 'right';
  kind?: 'plain' | 'quiet';
}

// A button that opens something small below it; a click elsewhere, Esc or leaving it closes it.
export function Menu({ label, face, children, align = 'left', kind = 'plain' }: Props) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen)
      return;
    const onDown = (e: PointerEvent): void => {
      if (e.target instanceof Node && !box.current?.contains(e.target))
        setOpen(false);
    };
    document.addEventListener('pointerdown', onDown);
    return () => document.removeEventListener('pointerdown', onDown);
  }, [isOpen]);
  const close = (): void => {
    setOpen(false);
    box.current?.querySelector('button')?.focus();
  };
  return (
    <div className="menu" ref={box} onKeyDown={(e) => {
      if (e.key === 'Escape' && isOpen) { e.preventDefault(); e.stopPropagation(); close(); }
    }}>
      <button type="button" className={`button button-${kind}`} aria-label={label} title={label} aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}>{face}</button>
      {isOpen && <div className={`menu-box menu-${align}`}>{children(close)}</div>}
    </div>
  );
}

export interface Item { label: string; onClick: () => void; isChosen?: boolean }

export function MenuItems({ items, close }: { items: readonly Item[]; close: () => void }) {
  return (
    <ul className="menu-items">
      {items.map((item) => (
        <li key={item.label}>
          <Button kind="quiet" {...(item.isChosen === undefined ? {} : { pressed: item.isChosen })}
            onClick={() => { item.onClick(); close(); }}>{item.label}</Button>
        </li>
      ))}
    </ul>
  );
}
