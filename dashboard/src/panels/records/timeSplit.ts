// Where a call's time went: parts that add up to the whole.
import type { ExplainedCall } from '@/api/types.ts';

type Time = NonNullable<ExplainedCall['explanation']['time']>;
export type Part = 'us' | 'upstream' | 'client';
export interface TimePart { part: Part; ms: number; share: number }

export function timeParts(time: Time): TimePart[] {
  const parts: readonly [Part, number][] = [['us', time.gateway_ms], ['upstream', time.upstream_ms], ['client', time.client_ms]];
  const total = parts.reduce((sum, [, ms]) => sum + ms, 0);
  return parts.map(([part, ms]) => ({ part, ms, share: total > 0 ? ms / total : 0 }));
}
