// What a reader sees of usage, as the address has it: range as written and zone, what it is compared
// with, what rankings are by, filters. Defaults are left out; values that mean nothing are named.
import { DEFAULT_RANGE, parseWritten, printWritten, resolveRange, sameWritten } from '@/time/range.ts';
import type { WrittenRange } from '@/time/range.ts';
import { browserZone, isZone } from '@/time/zone.ts';
import { printFilters, readFilters } from './filters.ts';
import type { Filters } from './filters.ts';
import { named } from './keyish.ts';

export type Compare = 'previous' | 'week_before' | 'none';
export type RankBy = 'calls' | 'errors' | 'time' | 'cost';
export const COMPARES: readonly Compare[] = ['previous', 'week_before', 'none'];
export const RANKS: readonly RankBy[] = ['calls', 'errors', 'time', 'cost'];

export interface View {
  range: WrittenRange;
  zone: string;
  compare: Compare;
  by: RankBy;
  filters: Filters;
  bad: readonly string[]; // parameters that were passed over
}

function readRange(search: URLSearchParams, zone: string, bad: string[]): WrittenRange {
  const from = search.get('from');
  const to = search.get('to');
  const written = search.get('range');
  if (from !== null || to !== null) {
    const fixed: WrittenRange = { kind: 'fixed', from: from ?? '', to: to ?? '' };
    if (resolveRange(fixed, zone, new Date(0)))
      return fixed;
    bad.push(named('from', `${from ?? ''}&to=${to ?? ''}`));
  }
  const parsed = written === null ? DEFAULT_RANGE : parseWritten(written);
  if (!parsed)
    bad.push(named('range', written ?? ''));
  return parsed ?? DEFAULT_RANGE;
}

function oneOf<T extends string>(search: URLSearchParams, name: string, known: readonly T[], bad: string[]): T | undefined {
  const text = search.get(name);
  const found = known.find((k) => k === text);
  if (text !== null && !found)
    bad.push(named(name, text));
  return found;
}

export function readView(text: string): View {
  const search = new URLSearchParams(text);
  const bad: string[] = [];
  const wanted = search.get('zone');
  const zone = wanted !== null && isZone(wanted) ? wanted : browserZone();
  if (wanted !== null && zone !== wanted)
    bad.push(named('zone', wanted));
  return {
    range: readRange(search, zone, bad),
    zone,
    compare: oneOf(search, 'compare', COMPARES, bad) ?? 'previous',
    by: oneOf(search, 'by', RANKS, bad) ?? 'calls',
    filters: readFilters(search, bad),
    bad,
  };
}

// The zone stands beside each range that is not the default: whoever gets the address sees the same days.
export function printView(v: View): URLSearchParams {
  const search = new URLSearchParams();
  const isDefault = sameWritten(v.range, DEFAULT_RANGE);
  if (v.range.kind === 'fixed') {
    search.set('from', v.range.from);
    search.set('to', v.range.to);
  } else if (!isDefault) {
    search.set('range', printWritten(v.range));
  }
  if (!isDefault || v.zone !== browserZone())
    search.set('zone', v.zone);
  if (v.compare !== 'previous')
    search.set('compare', v.compare);
  if (v.by !== 'calls')
    search.set('by', v.by);
  printFilters(v.filters, search);
  return search;
}
