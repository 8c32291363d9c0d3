// A list by its pages: the first by the address of the question, further ones by `next` of the page before.
import { useState } from 'react';
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

interface Further<T> { of: unknown; pages: ListPage<T>[]; isLoading: boolean; problem: Problem | null }

export function useList<T>(address: string | null, group: string): List<T> {
  const first = ownOf(useQuery<ListPage<T>>(address, group, address ?? ''));
  const data = 'data' in first ? first.data : undefined;
  const [further, setFurther] = useState<Further<T>>({ of: null, pages: [], isLoading: false, problem: null });
  const own = further.of === data ? further : { of: data, pages: [], isLoading: false, problem: null };
  const pages = data ? [data, ...own.pages] : [];
  const next = pages[pages.length - 1]?.next ?? null;

  const load = async (): Promise<void> => {
    if (next === null || own.isLoading)
      return;
    setFurther({ ...own, isLoading: true, problem: null });
    try {
      const page = await getAddress<ListPage<T>>(next);
      setFurther({ ...own, pages: [...own.pages, page], isLoading: false, problem: null });
    } catch (e) {
      setFurther({ ...own, isLoading: false, problem: asProblem(e) });
    }
  };
  return {
    first,
    items: pages.flatMap((p) => p.items),
    more: next === null ? null : { isLoading: own.isLoading, problem: own.problem, load: () => void load() },
  };
}
