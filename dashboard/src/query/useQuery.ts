// One question to the manager, and what is known of its answer.
import { useCallback, useRef, useSyncExternalStore } from 'react';
import { asAnswer } from '@/api/call.ts';
import type { Problem } from '@/api/problem.ts';
import { readEntry, refresh, watchEntry } from './store.ts';
import type { Entry } from './store.ts';

export type Result<T> =
  | { state: 'loading' }
  | { state: 'ready'; data: T; loadedAt: number }
  | { state: 'refreshing'; data: T; loadedAt: number }  // another answer comes; these are the former data
  | { state: 'failed'; data: T | undefined; loadedAt: number | null; problem: Problem; isTrying: boolean; retry: () => void };

interface Former { data: unknown; loadedAt: number | null; problem: Problem | null; group: string }

// Refreshed data are not asked for again within this.
const FRESH_MS = 1000;

function resultOf<T>(address: string, entry: Entry, former: Former | null): Result<T> {
  const data = asAnswer<T>(entry.data ?? former?.data);
  const loadedAt = entry.loadedAt ?? former?.loadedAt ?? null;
  const problem = entry.problem ?? (entry.isLoading ? former?.problem : null);
  if (problem)
    return { state: 'failed', data, loadedAt, problem, isTrying: entry.isLoading, retry: () => refresh((a) => a === address) };
  if (data === undefined || loadedAt === null)
    return { state: 'loading' };
  return { state: entry.isLoading ? 'refreshing' : 'ready', data, loadedAt };
}

// `group`: questions of one group show each other's data, or how that failed, while theirs load, as those of one range
// or another do; those of another token don't. Null: nothing is asked.
export function useQuery<T>(address: string | null, group: string): Result<T> {
  const former = useRef<Former | null>(null);
  const watch = useCallback((reader: () => void) =>
    (address === null ? () => undefined : watchEntry(address, FRESH_MS, reader)), [address]);
  const entry = useSyncExternalStore(watch, () => readEntry(address ?? ''));
  if (former.current && former.current.group !== group)
    former.current = null;
  if (entry.data !== undefined || entry.problem)
    former.current = { data: entry.data ?? former.current?.data, loadedAt: entry.loadedAt ?? former.current?.loadedAt ?? null,
      problem: entry.problem, group };
  return address === null ? { state: 'loading' } : resultOf<T>(address, entry, former.current);
}
