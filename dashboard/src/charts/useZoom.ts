// Dragging over a chart chooses a range.
import { useState } from 'react';
import type { TimeRow } from './series.ts';

export type Zoom = (from: Date, to: Date) => void;
interface Event { activeLabel?: string | number | undefined }
interface Drag { from: string; to: string }

export function useZoom(rows: readonly TimeRow[], onZoom: Zoom | undefined) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const labelOf = (e: Event): string | null => (typeof e.activeLabel === 'string' ? e.activeLabel : null);
  const start = (e: Event): void => {
    const at = labelOf(e);
    if (at !== null && onZoom)
      setDrag({ from: at, to: at });
  };
  const move = (e: Event): void => {
    const at = labelOf(e);
    if (drag && at !== null && at !== drag.to)
      setDrag({ ...drag, to: at });
  };
  const end = (): void => {
    setDrag(null);
    if (!drag || drag.from === drag.to)
      return;
    const [first, last] = [drag.from, drag.to].sort((a, b) => Date.parse(a) - Date.parse(b));
    const until = rows.find((r) => r.at === last)?.until;
    if (first && until)
      onZoom?.(new Date(first), new Date(until));
  };
  return { drag, start, move, end, leave: () => setDrag(null) };
}
