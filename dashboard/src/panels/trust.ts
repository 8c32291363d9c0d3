// How far an answer goes.
import type { Whole } from '@/api/types.ts';

const LAGS_MS = 60_000;

type Reached = Pick<Whole, 'as_of' | 'to'>;

// Whether calls of its range may not be counted yet: it goes on beyond what is recorded.
export const isBehind = ({ as_of, to }: Reached): boolean => as_of === null || Date.parse(as_of) < Date.parse(to);

// Whether they are missing for longer than it takes to record some.
export const lags = (of: Reached, now: Date): boolean =>
  of.as_of !== null && isBehind(of) && now.getTime() - Date.parse(of.as_of) > LAGS_MS;
