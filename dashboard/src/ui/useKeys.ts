// Keys of the whole page. They rest while somebody types, while a dialog is open, and where the reader has switched
// them off (WCAG 2.1.4); arrows also in charts and tables, which have them for themselves.
import { useEffect, useRef } from 'react';
import { isDialogOpen } from './Dialog.tsx';

const KEY = 'tollgate.keys';
export const keysAreOn = (): boolean => window.localStorage.getItem(KEY) !== 'off';
export const setKeysOn = (on: boolean): void => window.localStorage.setItem(KEY, on ? 'on' : 'off');

const RESTS_IN = 'input, select, textarea, [contenteditable]';
const HAS_ARROWS = '.recharts-wrapper, .table-box';

export type Keys = Partial<Record<'/' | '?' | 'Escape' | 'ArrowLeft' | 'ArrowRight', () => void>>;

export function useKeys(keys: Keys): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      const found = Object.entries(current.current).find(([key]) => key === e.key);
      const rests = e.target instanceof Element && e.target.closest(e.key.startsWith('Arrow') ? `${RESTS_IN}, ${HAS_ARROWS}` : RESTS_IN) !== null;
      if (!found?.[1] || rests || isDialogOpen() || e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || !keysAreOn())
        return;
      e.preventDefault();
      found[1]();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}
