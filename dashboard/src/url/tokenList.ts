// Which tokens a reader looks at, as the address has it. Defaults are left out, values that mean nothing are named;
// what looks like a key is neither read nor told.
import { looksLikeKey, named } from './keyish.ts';

export const TOKEN_STATES = ['in_use', 'all', 'active', 'disabled', 'team_disabled', 'expired', 'revoked'] as const;
export const TOKEN_ORDERS = ['name', '-name', 'created_at', '-created_at', 'expires_at', '-expires_at', 'last_used_at', '-last_used_at'] as const;
export const TOKEN_RANKS = ['calls', 'errors'] as const;
export type TokenListState = (typeof TOKEN_STATES)[number];
export type TokenOrder = (typeof TOKEN_ORDERS)[number];
export type TokenRank = (typeof TOKEN_RANKS)[number];

export interface TokenList {
  q: string;
  state: TokenListState;
  team: string | null;  // an id, or "none"
  scope: string | null;
  unusedDays: number | null;
  expiresDays: number | null;
  sort: TokenOrder;
  by: TokenRank | null; // a ranking, instead of the order
  bad: readonly string[];
}

export const ALL_TOKENS: TokenList = {
  q: '', state: 'in_use', team: null, scope: null, unusedDays: null, expiresDays: null, sort: '-created_at', by: null, bad: [],
};
const MOST_Q = 255;

const TEAM = /^(none|[1-9]\d{0,15})$/;
const SCOPE = /^([A-Za-z0-9_.:/-]{1,64}|\*)$/;
const DAYS = /^[1-9]\d{0,3}$/;

export function readTokenList(text: string): TokenList {
  const search = new URLSearchParams(text);
  const bad: string[] = [];
  const take = <T>(name: string, read: (value: string) => T | undefined): T | undefined => {
    const value = search.get(name);
    const found = value === null ? undefined : read(value);
    if (value !== null && found === undefined)
      bad.push(named(name, value));
    return found;
  };
  const fits = (shape: RegExp) => (value: string): string | undefined => (shape.test(value) ? value : undefined);
  const days = (value: string): number | undefined => (DAYS.test(value) ? Number(value) : undefined);
  return {
    q: take('q', (v) => (looksLikeKey(v) || v.length > MOST_Q ? undefined : v)) ?? '',
    state: take('state', (v) => TOKEN_STATES.find((s) => s === v)) ?? 'in_use',
    team: take('team', fits(TEAM)) ?? null,
    scope: take('scope', fits(SCOPE)) ?? null,
    unusedDays: take('unused_days', days) ?? null,
    expiresDays: take('expires_days', days) ?? null,
    sort: take('sort', (v) => TOKEN_ORDERS.find((o) => o === v)) ?? '-created_at',
    by: take('by', (v) => TOKEN_RANKS.find((r) => r === v)) ?? null,
    bad,
  };
}

export function printTokenList(l: TokenList): string {
  const search = new URLSearchParams();
  const put = (name: string, value: string | number | null): void => {
    if (value !== null && value !== '')
      search.set(name, String(value));
  };
  put('q', looksLikeKey(l.q) ? null : l.q);
  put('state', l.state === 'in_use' ? null : l.state);
  put('team', l.team);
  put('scope', l.scope);
  put('unused_days', l.unusedDays);
  put('expires_days', l.expiresDays);
  put('sort', l.sort === '-created_at' ? null : l.sort);
  put('by', l.by);
  return search.toString();
}

// Apart from order and ranking, which take nothing away.
export const isFiltered = (l: TokenList): boolean =>
  printTokenList({ ...l, sort: '-created_at', by: null }) !== '';
export const withoutFilters = (l: TokenList): TokenList => ({ ...ALL_TOKENS, sort: l.sort, by: l.by });
