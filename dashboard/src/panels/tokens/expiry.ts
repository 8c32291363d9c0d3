// When a token ends, as a form has it, and the instant that this is.
import { daysAfter } from '@/time/days.ts';
import { parseInstant } from '@/time/range.ts';

export const PRESET_DAYS = [7, 30, 90, 365] as const;
export type Preset = `${(typeof PRESET_DAYS)[number]}`;
export type Kind = 'keep' | 'never' | 'own' | Preset;
export interface Expiry { kind: Kind; text: string } // text: of `own`, on the zone's clock

export type Resolved =
  | { state: 'good'; at: string | null }
  | { state: 'keep' }
  | { state: 'fault'; fault: 'notADate' | 'past' };

export const presetDate = (preset: Preset, now: Date, zone: string): Date => daysAfter(now, Number(preset), zone);

export function resolveExpiry(e: Expiry, now: Date, zone: string): Resolved {
  if (e.kind === 'keep')
    return { state: 'keep' };
  if (e.kind === 'never')
    return { state: 'good', at: null };
  const at = e.kind === 'own' ? parseInstant(e.text, zone) : presetDate(e.kind, now, zone);
  if (!at)
    return { state: 'fault', fault: 'notADate' };
  return at > now ? { state: 'good', at: at.toISOString() } : { state: 'fault', fault: 'past' };
}
