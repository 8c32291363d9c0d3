// The calls that a page lists. The first page follows the clock; once further ones are there, all of them stand still
// until something else is asked for.
import { useState } from 'react';
import { getAddress } from '@/api/call.ts';
import { asProblem } from '@/api/problem.ts';
import type { Problem } from '@/api/problem.ts';
import type { Call } from '@/api/types.ts';
import { useNow } from '@/query/clock.ts';
import type { ListPage } from '@/query/useList.ts';
import { ownOf, useQuery } from '@/query/useQuery.ts';
import type { Result } from '@/query/useQuery.ts';
import { printView } from '@/url/view.ts';
import type { View } from '@/url/view.ts';
import { logsAddress } from '../question.ts';

export interface Own { token?: number; route?: string }
type Page = ListPage<Call>;
interface Held { of: string; pages: readonly Page[]; at: number; address: string; isLoading: boolean; problem: Problem | null }

export interface Records {
  address: string;
  first: Result<Page>;
  items: readonly Call[];
  held: { at: Date; release: () => void } | null;
  more: null | { isLoading: boolean; problem: Problem | null; load: () => void };
}

export function useRecords(view: View, own: Own, isWanted: boolean): Records {
  const now = useNow();
  const [kept, setHeld] = useState<Held | null>(null);
  const of = JSON.stringify([own, printView(view).toString()]);
  const held = kept?.of === of ? kept : null;
  const address = held?.address ?? logsAddress(view, now, own);
  const first = ownOf(useQuery<Page>(held || !isWanted ? null : address, `logs ${JSON.stringify(own)}`, of));
  const data = 'data' in first ? first.data : undefined;
  const pages = held?.pages ?? (data ? [data] : []);
  const next = pages[pages.length - 1]?.next ?? null;

  const load = async (): Promise<void> => {
    if (next === null || held?.isLoading)
      return;
    const begun: Held = { of, pages, at: held?.at ?? Date.now(), address, isLoading: true, problem: null };
    const put = (part: Partial<Held>): void => setHeld((h) => (h?.of === of ? { ...h, isLoading: false, ...part } : h));
    setHeld(begun);
    try {
      put({ pages: [...pages, await getAddress<Page>(next)] });
    } catch (e) {
      put({ problem: asProblem(e) });
    }
  };
  return {
    address,
    first: held && held.pages[0] ? { state: 'ready', data: held.pages[0], loadedAt: held.at } : first,
    items: pages.flatMap((p) => p.items),
    held: held && { at: new Date(held.at), release: () => setHeld(null) },
    more: next === null ? null : { isLoading: held?.isLoading ?? false, problem: held?.problem ?? null, load: () => void load() },
  };
}
