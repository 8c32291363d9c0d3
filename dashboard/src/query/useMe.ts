// Who reads, and what they may: asked once; by the clock only while the database is away, or it failed.
import { addressOfGet } from '@/api/call.ts';
import type { Me } from '@/api/types.ts';
import { prefetch, refresh } from './store.ts';
import { useQuery } from './useQuery.ts';
import type { Result } from './useQuery.ts';
import { useTicks } from './useRefreshed.ts';

const ADDRESS = addressOfGet('/api/me');

export function useMe(): Result<Me> {
  const me = useQuery<Me>(ADDRESS, 'me');
  const isOld = 'data' in me && me.data?.is_stale;
  const isAway = me.state === 'failed' && me.problem.status !== 401;
  useTicks(() => { if (isOld || isAway) refresh(isMe); });
  return me;
}
export const prefetchMe = (): void => prefetch(ADDRESS);
export const isMe = (address: string): boolean => address === ADDRESS;
