// Dragging over a chart chooses a range.
import { useRef, useState } from 'react';
import type { TimeRow } from './series.ts';

export type Zoom = (from: Date, to: Date) => void;
interface Event { activeLabel?: string | number | undefined }
interface Drag { from: string; to: string }

// recharts tells of events a frame later, by the handlers of the frame before: what they share is a ref.
export function useZoom(rows: readonly TimeRow[], onZoom: Zoom | undefined) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const current = useRef<Drag | null>(null);
  const put = (next: Drag | null): void => {
    current.current = next;
    // What is drawn at a mere press would come between the two clicks of a double one.
    setDrag(next && next.from !== next.to ? next : null);
  };
  const labelOf = (e: Event): string | null => (typeof e.activeLabel === 'string' ? e.activeLabel : null);
  const start = (e: Event): void => {
    const at = labelOf(e);
    if (at !== null && onZoom)
      put({ from: at, to: at });
  };
  const move = (e: Event): void => {
    const at = labelOf(e);
    if (current.current && at !== null && at !== current.current.to)
      put({ ...current.current, to: at });
  };
  const end = (e: Event): void => {
    move(e);
    const done = current.current;
    put(null);
    if (!done || done.from === done.to)
      return;
    const [first, last] = [done.from, done.to].sort((a, b) => Date.parse(a) - Date.parse(b));
    const until = rows.find((r) => r.at === last)?.until;
    if (first && until)
      onZoom?.(new Date(first), new Date(until));
  };
  return { drag, start, move, end, leave: () => put(null) };
}
