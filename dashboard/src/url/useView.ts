// The view that the address has, and how to change it.
import { useMemo } from 'react';
import { PAGES_OWN } from './own.ts';
import { currentPlace, go } from './place.ts';
import { usePlace } from './usePlace.ts';
import { printView, readView } from './view.ts';
import type { View } from './view.ts';

export function viewHref(view: View): string {
  const { path, search } = currentPlace();
  const before = new URLSearchParams(search);
  const next = new URLSearchParams();
  for (const name of PAGES_OWN)
    for (const value of before.getAll(name))
      next.append(name, value);
  for (const [name, value] of printView(view))
    next.append(name, value);
  const text = next.toString();
  return text ? `${path}?${text}` : path;
}

export type ChangeView = (change: Partial<View>, how?: 'push' | 'replace') => void;

export function useView(): [View, ChangeView] {
  const { search } = usePlace();
  const view = useMemo(() => readView(search), [search]);
  const change: ChangeView = (part, how = 'push') => go(viewHref({ ...view, ...part }), how);
  return [view, change];
}
