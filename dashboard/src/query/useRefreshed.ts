// What is done again by the page's clock; as a question whose address stays while its answer changes.
import { useEffect, useRef } from 'react';
import { useNow } from './clock.ts';
import { refresh } from './store.ts';
import { useQuery } from './useQuery.ts';
import type { Result } from './useQuery.ts';

export function useTicks(act: () => void): void {
  const now = useNow();
  const before = useRef(now);
  useEffect(() => {
    if (before.current !== now)
      act();
    before.current = now;
  }, [now, act]);
}

export function useRefreshed<T>(address: string | null, group: string): Result<T> {
  useTicks(() => refresh((a) => a === address));
  return useQuery<T>(address, group);
}
