// The parameters that a list's address has, and how to change them: choices push, typing replaces.
import { useMemo } from 'react';
import { pageOf } from './pages.ts';
import { printParams, readParams } from './params.ts';
import type { Params, Shapes } from './params.ts';
import { go } from './place.ts';
import { usePlace } from './usePlace.ts';

export interface InAddress<K extends string> {
  params: Params<K>;
  bad: readonly string[];
  href: (part: Params<K>) => string; // with these beside those that are there; undefined takes one away
  set: (part: Params<K>, how?: 'push' | 'replace') => void;
  clear: () => void;
}

// `shapes` is a constant of the page.
export function useParams<K extends string>(shapes: Shapes<K>): InAddress<K> {
  const { path, search } = usePlace();
  const { params, bad } = useMemo(() => readParams(search, shapes), [search, shapes]);
  const href = (part: Params<K>): string => path + printParams({ ...params, ...part }, shapes);
  return { params, bad, href, set: (part, how = 'push') => go(href(part), how), clear: () => go(path) };
}

// Of the page that an address with an id is; 0 on others.
export function useIdOfPage(): number {
  const { path, search } = usePlace();
  const page = pageOf(path, search);
  return 'id' in page ? page.id : 0;
}
