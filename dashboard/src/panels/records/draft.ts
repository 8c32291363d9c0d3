// Filters while somebody writes them: texts, one of each.
import { addFilter, isGood, NO_FILTERS } from '@/url/filters.ts';
import type { Filters } from '@/url/filters.ts';

export const DRAFT_NAMES = ['status', 'class', 'outcome', 'method', 'address', 'min_ms', 'token', 'route'] as const;
export type DraftName = (typeof DRAFT_NAMES)[number];
export type Draft = Record<DraftName, string>;

// Of several tokens or routes, all of them, with blanks between.
export const draftOf = (f: Filters): Draft => ({
  status: String(f.status ?? ''), class: f.class ?? '', outcome: f.outcome ?? '', method: f.method ?? '', address: f.address ?? '',
  min_ms: String(f.min_ms ?? ''), token: f.token.join(' '), route: f.route.join(' '),
});

const valuesOf = (draft: Draft, name: DraftName): string[] => draft[name].split(/[\s,]+/).filter(Boolean);

export const draftFaults = (draft: Draft): DraftName[] =>
  DRAFT_NAMES.filter((name) => valuesOf(draft, name).some((value, i) =>
    !isGood({ name, value }) || (i > 0 && name !== 'token' && name !== 'route')));

// Teams are kept: the form has none.
export function filtersOf(draft: Draft, before: Filters): Filters {
  let found: Filters = { ...NO_FILTERS, team: before.team };
  for (const name of DRAFT_NAMES)
    for (const value of valuesOf(draft, name))
      found = addFilter(found, { name, value });
  return found;
}
