import './Menu.css';
import { useLayoutEffect, useRef, useState } from 'react';
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
function keepInside(box: HTMLElement): void {
  box.style.margin = '';
  const { left, right } = box.getBoundingClientRect();
  const most = document.documentElement.clientWidth - MARGIN;
  const by = Math.max(MARGIN - left, Math.min(0, most - right));
  box.style.margin = `0 ${-by}px 0 ${by}px`;
}

// Below its button where there is room, otherwise above it.
function float(box: HTMLElement): void {
  const button = box.parentElement?.getBoundingClientRect();
  if (!button)
    return;
  const { width, height } = box.getBoundingClientRect();
  const fitsBelow = button.bottom + height + MARGIN < window.innerHeight;
  const left = box.classList.contains('menu-right') ? button.right - width : button.left;
  box.style.position = 'fixed';
  box.style.right = 'auto';
  box.style.left = `${Math.max(MARGIN, Math.min(left, document.documentElement.clientWidth - width - MARGIN))}px`;
  box.style.top = `${fitsBelow ? button.bottom + 4 : Math.max(MARGIN, button.top - height - 4)}px`;
}

// A button that opens something small below it; a click elsewhere, Esc or leaving it closes it. (What is opened can have
// the focus itself: otherwise a click on its text would leave it.)
export function Menu({ label, face, children, align = 'left', kind = 'plain', floats = false, pressed }: Props) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const opened = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const shown = opened.current;
    if (!shown)
      return;
    const put = (): void => (floats ? float : keepInside)(shown);
    const onDown = (e: PointerEvent): void => {
      if (e.target instanceof Node && !box.current?.contains(e.target))
        setOpen(false);
    };
    const growth = new ResizeObserver(put); // what is listed may come later
    put();
    growth.observe(shown);
    document.addEventListener('pointerdown', onDown);
    document.addEventListener('scroll', put, true);
    return () => {
      growth.disconnect();
      document.removeEventListener('pointerdown', onDown);
      document.removeEventListener('scroll', put, true);
    };
  });
  const close = (): void => {
    setOpen(false);
    box.current?.querySelector('button')?.focus();
  };
  return (
    <div className="menu" ref={box} onBlur={(e) => {
      if (e.relatedTarget instanceof Node && !e.currentTarget.contains(e.relatedTarget))
        setOpen(false);
    }} onKeyDown={(e) => {
      if (e.key === 'Escape' && isOpen) { e.preventDefault(); e.stopPropagation(); close(); }
    }}>
      <button type="button" className={`button button-${kind}`} aria-label={label} title={label} aria-expanded={isOpen} aria-pressed={pressed}
        onClick={() => setOpen(!isOpen)}>{face}</button>
      {isOpen && <div className={`menu-box menu-${align}`} ref={opened} tabIndex={-1}>{children(close)}</div>}
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
