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
  floats?: boolean;         // above a box that scrolls
  pressed?: boolean;
}

const MARGIN = 8; // to the window's edges

// Beside its button, but not out of the window.
function keepInside(box: HTMLDivElement | null): void {
  if (!box)
    return;
  const { left, right } = box.getBoundingClientRect();
  const most = document.documentElement.clientWidth - MARGIN;
  const by = Math.max(MARGIN - left, Math.min(0, most - right));
  box.style.margin = `0 ${-by}px 0 ${by}px`;
}

// Below its button where there is room, otherwise above it.
function float(box: HTMLDivElement | null): void {
  const button = box?.parentElement?.getBoundingClientRect();
  if (!box || !button)
    return;
  const { width, height } = box.getBoundingClientRect();
  const fitsBelow = button.bottom + height + MARGIN < window.innerHeight;
  const left = box.classList.contains('menu-right') ? button.right - width : button.left;
  box.style.position = 'fixed';
  box.style.right = 'auto';
  box.style.left = `${Math.max(MARGIN, Math.min(left, document.documentElement.clientWidth - width - MARGIN))}px`;
  box.style.top = `${fitsBelow ? button.bottom + 4 : Math.max(MARGIN, button.top - height - 4)}px`;
}

// A button that opens something small below it; a click elsewhere, Esc or leaving it closes it.
export function Menu({ label, face, children, align = 'left', kind = 'plain', floats = false, pressed }: Props) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const floating = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen)
      return;
    const onDown = (e: PointerEvent): void => {
      if (e.target instanceof Node && !box.current?.contains(e.target))
        setOpen(false);
    };
    const onScroll = (): void => float(floating.current);
    document.addEventListener('pointerdown', onDown);
    if (floats)
      document.addEventListener('scroll', onScroll, true);
    return () => {
      document.removeEventListener('pointerdown', onDown);
      document.removeEventListener('scroll', onScroll, true);
    };
  }, [isOpen, floats]);
  const close = (): void => {
    setOpen(false);
    box.current?.querySelector('button')?.focus();
  };
  return (
    <div className="menu" ref={box} onKeyDown={(e) => {
      if (e.key === 'Escape' && isOpen) { e.preventDefault(); e.stopPropagation(); close(); }
    }}>
      <button type="button" className={`button button-${kind}`} aria-label={label} title={label} aria-expanded={isOpen} aria-pressed={pressed}
        onClick={() => setOpen(!isOpen)}>{face}</button>
      {isOpen && <div className={`menu-box menu-${align}`} ref={floats ? (b) => { floating.current = b; float(b); } : keepInside}>{children(close)}</div>}
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
