// Dragging over a chart chooses a range.
import { useRef, useState } from 'react';
import type { TimeRow } from './series.ts';

export type Zoom = (from: Date, to: Date) => void;
interface Event { activeLabel?: string | number | undefined }
interface Pointer { clientX: number }
interface Drag { from: string; to: string }
interface Press { x: number; drag: Drag | null }

// Nearer to where it began it is a click, however the hand trembles.
const LEAST_PX = 6;

// recharts tells of events a frame later, by the handlers of the frame before: what they share is a ref. At a press it
// may still name the point that the pointer came from: a drag begins with the first move.
export function useZoom(rows: readonly TimeRow[], onZoom: Zoom | undefined) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const press = useRef<Press | null>(null);
  const start = (_: Event, pointer: Pointer): void => {
    press.current = onZoom ? { x: pointer.clientX, drag: null } : null;
  };
  const move = ({ activeLabel: at }: Event, pointer: Pointer): void => {
    if (!press.current || typeof at !== 'string' || Math.abs(pointer.clientX - press.current.x) < LEAST_PX)
      return;
    press.current.drag = { from: press.current.drag?.from ?? at, to: at };
    setDrag(press.current.drag);
  };
  const leave = (): void => {
    press.current = null;
    setDrag(null);
  };
  const end = (e: Event, pointer: Pointer): void => {
    move(e, pointer);
    const done = press.current && Math.abs(pointer.clientX - press.current.x) >= LEAST_PX ? press.current.drag : null;
    leave();
    if (!done || done.from === done.to)
      return;
    const [first, last] = [done.from, done.to].sort((a, b) => Date.parse(a) - Date.parse(b));
    const until = rows.find((r) => r.at === last)?.until;
    if (first && until)
      onZoom?.(new Date(first), new Date(until));
  };
  return { drag, start, move, end, leave };
}
