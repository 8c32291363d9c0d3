// Who reads, and what they may: asked once, not by the clock.
import { addressOfGet } from '@/api/call.ts';
import type { Me } from '@/api/types.ts';
import { prefetch } from './store.ts';
import { useQuery } from './useQuery.ts';
import type { Result } from './useQuery.ts';

const ADDRESS = addressOfGet('/api/me');

export const useMe = (): Result<Me> => useQuery<Me>(ADDRESS, 'me');
export const prefetchMe = (): void => prefetch(ADDRESS);
export const isMe = (address: string): boolean => address === ADDRESS;
