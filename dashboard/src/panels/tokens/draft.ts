// A token as a form has it, and the bodies that are sent of it.
import type { Problem } from '@/api/problem.ts';
import type { Token } from '@/api/types.ts';
import { resolveExpiry } from './expiry.ts';
import type { Expiry } from './expiry.ts';

export interface Draft {
  name: string;
  description: string;
  team: string; // its id; empty: none
  scopes: readonly string[];
  expiry: Expiry;
  ranges: string; // one a line
}

export type Part = keyof Draft;
export type Faults = Partial<Record<Part, string>>;

export interface Body {
  name: string;
  description: string | null;
  team_id: number | null;
  scopes: string[];
  expires_at: string | null;
  address_ranges: string[] | null;
}

export const emptyDraft = (team: string): Draft =>
  ({ name: '', description: '', team, scopes: [], expiry: { kind: '90', text: '' }, ranges: '' });

export const draftOf = (t: Token): Draft => ({
  name: t.name, description: t.description ?? '', team: t.team ? String(t.team.id) : '', scopes: t.scopes,
  expiry: { kind: 'keep', text: '' }, ranges: (t.address_ranges ?? []).join('\n'),
});

export function rangesOf(text: string): string[] | null {
  const ranges = text.split(/[\s,]+/).filter(Boolean);
  return ranges.length > 0 ? ranges : null;
}

// What it is before it is sent; an expiry that is kept, or none at all, has no `expires_at`.
export function bodyOf(d: Draft, now: Date, zone: string): Omit<Body, 'expires_at'> & { expires_at?: string | null } {
  const expiry = resolveExpiry(d.expiry, now, zone);
  return {
    name: d.name.trim(), description: d.description.trim() || null, team_id: d.team ? Number(d.team) : null,
    scopes: [...d.scopes], address_ranges: rangesOf(d.ranges),
    ...(expiry.state === 'good' ? { expires_at: expiry.at } : {}),
  };
}

const same = (a: readonly string[] | null, b: readonly string[] | null): boolean =>
  (a === null) === (b === null) && [...(a ?? [])].sort().join('\n') === [...(b ?? [])].sort().join('\n');

// Only what differs: what is absent stays as it is. An empty list of ranges (nowhere) stays so unless ranges are given.
export function changesOf(t: Token, d: Draft, now: Date, zone: string): Partial<Body> {
  const b = bodyOf(d, now, zone);
  const hadRanges = t.address_ranges?.length ? t.address_ranges : null;
  return {
    ...(b.name !== t.name ? { name: b.name } : {}),
    ...(b.description !== t.description ? { description: b.description } : {}),
    ...(b.team_id !== (t.team?.id ?? null) ? { team_id: b.team_id } : {}),
    ...(same(b.scopes, t.scopes) ? {} : { scopes: b.scopes }),
    ...(b.expires_at !== undefined ? { expires_at: b.expires_at } : {}),
    ...(same(b.address_ranges, hadRanges) ? {} : { address_ranges: b.address_ranges }),
  };
}

const PARTS: Record<string, Part> = {
  name: 'name', description: 'description', team_id: 'team', scopes: 'scopes', expires_at: 'expiry', address_ranges: 'ranges',
};

// Faults at their fields, by RFC 6901 pointers ("#/scopes/1"); `rest`: whether some belong to none.
export function faultsOf(problem: Problem | null): { at: Faults; rest: boolean } {
  const at: Faults = {};
  let rest = problem !== null && problem.errors.length === 0;
  for (const error of problem?.errors ?? []) {
    const part = PARTS[/^#\/([^/]+)/.exec(error.pointer ?? '')?.[1] ?? ''];
    if (part)
      at[part] = at[part] ? `${at[part]} ${error.detail}` : error.detail;
    else
      rest = true;
  }
  return { at, rest };
}
