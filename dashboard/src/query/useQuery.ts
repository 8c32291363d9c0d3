// One question to the manager, and what is known of its answer.
import { useCallback, useRef, useSyncExternalStore } from 'react';
import { asAnswer } from '@/api/call.ts';
import type { Problem } from '@/api/problem.ts';
import { readEntry, refresh, watchEntry } from './store.ts';
import type { Entry } from './store.ts';

export type Result<T> =
  | { state: 'loading' }
  | { state: 'ready'; data: T; loadedAt: number }
  | { state: 'refreshing'; data: T; loadedAt: number; isOther: boolean }  // another answer comes; these are the former data
  | { state: 'failed'; data: T | undefined; loadedAt: number | null; isOther: boolean; problem: Problem; isTrying: boolean; retry: () => void };

interface Former { data: unknown; loadedAt: number | null; problem: Problem | null; group: string; of: string }

// Refreshed data are not asked for again within this.
const FRESH_MS = 1000;

function resultOf<T>(address: string, entry: Entry, former: Former | null, of: string): Result<T> {
  const data = asAnswer<T>(entry.data ?? former?.data);
  const loadedAt = entry.loadedAt ?? former?.loadedAt ?? null;
  const isOther = entry.data === undefined && former !== null && former.of !== of;
  const problem = entry.problem ?? (entry.isLoading ? former?.problem : null);
  if (problem)
    return { state: 'failed', data, loadedAt, isOther, problem, isTrying: entry.isLoading, retry: () => refresh((a) => a === address) };
  if (data === undefined || loadedAt === null)
    return { state: 'loading' };
  return entry.isLoading ? { state: 'refreshing', data, loadedAt, isOther } : { state: 'ready', data, loadedAt };
}

// `group`: questions of one group show each other's data, or how that failed, while theirs load, as those of one range
// or another do; those of another token don't. `of`: what was asked for, apart from the clock; data of something else are
// marked by isOther. Null: nothing is asked.
export function useQuery<T>(address: string | null, group: string, of = ''): Result<T> {
  const former = useRef<Former | null>(null);
  const watch = useCallback((reader: () => void) =>
    (address === null ? () => undefined : watchEntry(address, FRESH_MS, reader)), [address]);
  const entry = useSyncExternalStore(watch, () => readEntry(address ?? ''));
  if (former.current && former.current.group !== group)
    former.current = null;
  if (entry.data !== undefined)
    former.current = { data: entry.data, loadedAt: entry.loadedAt, problem: entry.problem, group, of };
  else if (entry.problem)
    former.current = { data: former.current?.data, loadedAt: former.current?.loadedAt ?? null, problem: entry.problem, group,
      of: former.current?.of ?? of };
  return address === null ? { state: 'loading' } : resultOf<T>(address, entry, former.current, of);
}

// What failed, without data of something else: they would be read as its own.
export const ownOf = <T>(result: Result<T>): Result<T> =>
  (result.state === 'failed' && result.isOther ? { ...result, data: undefined, loadedAt: null } : result);
