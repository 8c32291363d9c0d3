// Parameters of an address that are the page's own, and not the view's.
import { currentPlace } from './place.ts';
import { usePlace } from './usePlace.ts';

export const PAGES_OWN = ['path', 'call', 'live'] as const;
export type OwnName = (typeof PAGES_OWN)[number];

export const useOwn = (name: OwnName): string | null => new URLSearchParams(usePlace().search).get(name);

// The same place with another value of one. Null: without it.
export function hrefWith(name: OwnName, value: string | null): string {
  const { path, search } = currentPlace();
  const next = new URLSearchParams(search);
  next.delete(name);
  if (value !== null)
    next.append(name, value);
  const text = next.toString();
  return text ? `${path}?${text}` : path;
}
