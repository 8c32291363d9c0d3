// A question whose address stays while its answer changes: asked again by the page's clock.
import { useEffect, useRef } from 'react';
import { useNow } from './clock.ts';
import { refresh } from './store.ts';
import { useQuery } from './useQuery.ts';
import type { Result } from './useQuery.ts';

export function useRefreshed<T>(address: string | null, group: string): Result<T> {
  const now = useNow();
  const before = useRef(now);
  useEffect(() => {
    if (before.current !== now)
      refresh((a) => a === address);
    before.current = now;
  }, [now, address]);
  return useQuery<T>(address, group);
}
