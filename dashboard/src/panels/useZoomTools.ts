// Zooming into a chart changes the range; going back returns to the one before, as often as there was one.
import { useRef } from 'react';
import { fixRange, sameWritten } from '@/time/range.ts';
import type { WrittenRange } from '@/time/range.ts';
import { useView } from '@/url/useView.ts';

export interface ZoomTools { zoom: (from: Date, to: Date) => void; back: () => void }

export function useZoomTools(): ZoomTools {
  const [view, change] = useView();
  const before = useRef<{ range: WrittenRange; zoomed: WrittenRange }[]>([]);
  return {
    zoom: (from, to) => {
      const zoomed = fixRange({ from, to, zone: view.zone });
      before.current.push({ range: view.range, zoomed });
      change({ range: zoomed });
    },
    back: () => {
      const last = before.current.pop();
      if (last && sameWritten(last.zoomed, view.range))
        change({ range: last.range });
      else
        before.current = [];
    },
  };
}
