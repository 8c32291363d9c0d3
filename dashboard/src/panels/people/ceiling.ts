// What a team's tokens may have at most: in words, as a form has it, and as it is sent.
import type { Team } from '@/api/types.ts';
import type { Texts } from '@/text/en/texts.ts';
import type { Format } from '@/text/format.ts';
import { lifetimeOf, secondsOf } from './lifetime.ts';
import type { Unit } from './lifetime.ts';

export type Bounds = Pick<Team, 'scopes_most' | 'lifetime_most_s' | 'address_ranges_most'>;

export function lifeInWords(seconds: number, words: Texts['people']['teams'], format: Format): string {
  const { n, unit } = lifetimeOf(seconds);
  return words.units[unit](n, format.exact(n));
}

// One sentence a bound; none where there is none.
export function boundsInWords(b: Bounds, words: Texts['people']['teams'], format: Format): string[] {
  return [
    ...(b.scopes_most === null ? [] : [b.scopes_most.length === 0 ? words.noScopes : words.scopes(format.list(b.scopes_most))]),
    ...(b.lifetime_most_s === null ? [] : [words.life(lifeInWords(b.lifetime_most_s, words, format))]),
    ...(b.address_ranges_most === null ? [] : [words.ranges(format.list(b.address_ranges_most))]),
  ];
}

export interface TeamDraft {
  name: string;
  limitsScopes: boolean;
  scopes: readonly string[];
  life: string;
  unit: Unit;
  ranges: string; // one a line
}

export const EMPTY_TEAM: TeamDraft = { name: '', limitsScopes: false, scopes: [], life: '', unit: 'd', ranges: '' };

export function draftOfTeam(t: Bounds & { name: string }): TeamDraft {
  const life = t.lifetime_most_s === null ? null : lifetimeOf(t.lifetime_most_s);
  return {
    name: t.name, limitsScopes: t.scopes_most !== null, scopes: t.scopes_most ?? [],
    life: life ? String(life.n) : '', unit: life?.unit ?? 'd', ranges: (t.address_ranges_most ?? []).join('\n'),
  };
}

export interface TeamBody { name: string; scopes_most: string[] | null; lifetime_most_s: number | null; address_ranges_most: string[] | null }

export function bodyOfTeam(d: TeamDraft): TeamBody {
  const ranges = d.ranges.split(/[\s,]+/).filter(Boolean);
  return {
    name: d.name.trim(), scopes_most: d.limitsScopes ? [...d.scopes] : null,
    lifetime_most_s: d.life.trim() ? secondsOf(d.life, d.unit) : null, address_ranges_most: ranges.length > 0 ? ranges : null,
  };
}

export const isBadLife = (d: TeamDraft): boolean => d.life.trim() !== '' && secondsOf(d.life, d.unit) === null;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

// Only what differs: what is absent stays.
export function changesOfTeam(t: Bounds & { name: string }, d: TeamDraft): Partial<TeamBody> {
  const b = bodyOfTeam(d);
  return {
    ...(b.name === t.name ? {} : { name: b.name }),
    ...(same(b.scopes_most, t.scopes_most) ? {} : { scopes_most: b.scopes_most }),
    ...(b.lifetime_most_s === t.lifetime_most_s ? {} : { lifetime_most_s: b.lifetime_most_s }),
    ...(same(b.address_ranges_most, t.address_ranges_most) ? {} : { address_ranges_most: b.address_ranges_most }),
  };
}
