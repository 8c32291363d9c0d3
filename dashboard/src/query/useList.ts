// A list by its pages: the first by the address of the question, further ones by `next` of the page before. Where the first comes
// anew, as many of the others do, and take the place of the former ones all at once.
import { useEffect, useState } from 'react';
import { getAddress } from '@/api/call.ts';
import { asProblem } from '@/api/problem.ts';
import type { Problem } from '@/api/problem.ts';
import { ownOf, useQuery } from './useQuery.ts';
import type { Result } from './useQuery.ts';

export interface ListPage<T> { items: T[]; next: string | null }
export interface List<T> {
  first: Result<ListPage<T>>;
  items: readonly T[];
  more: null | { isLoading: boolean; problem: Problem | null; load: () => void };
}

// `of`: the first page that further ones were last asked for after; `pages` begin with the one that they follow.
interface Shown<T> { address: string | null; of: unknown; pages: ListPage<T>[]; isLoading: boolean; problem: Problem | null }

export function useList<T>(address: string | null, group: string): List<T> {
  const first = ownOf(useQuery<ListPage<T>>(address, group, address ?? ''));
  const data = 'data' in first ? first.data : undefined;
  const alone: Shown<T> = { address, of: data, pages: data ? [data] : [], isLoading: false, problem: null };
  const [shown, setShown] = useState(alone);
  const hasMore = shown.address === address && (shown.pages.length > 1 || shown.of === data);
  const own = hasMore ? shown : alone;

  const load = async (begun: ListPage<T>[], count: number): Promise<void> => {
    const asked = { ...own, of: data, isLoading: true, problem: null };
    setShown(asked);
    const put = (next: Shown<T>): void => setShown((now) => (now === asked ? next : now));
    const pages = [...begun];
    try {
      for (let next = pages[pages.length - 1]?.next; next && pages.length < count; next = pages[pages.length - 1]?.next)
        pages.push(await getAddress<ListPage<T>>(next));
      put({ ...asked, pages, isLoading: false });
    } catch (e) {
      put({ ...asked, isLoading: false, problem: asProblem(e) });
    }
  };
  const isOld = data !== undefined && own.pages[0] !== data;
  useEffect(() => {
    if (isOld && own.of !== data && !own.isLoading)
      void load([data], own.pages.length);
  }, [data, isOld, own.isLoading]);
  const next = own.pages[own.pages.length - 1]?.next ?? null;
  return {
    first,
    items: own.pages.flatMap((p) => p.items),
    more: next === null && !own.problem ? null : {
      isLoading: own.isLoading, problem: own.problem,
      load: () => { if (!own.isLoading) void (isOld ? load([data], own.pages.length) : load(own.pages, own.pages.length + 1)); },
    },
  };
}
