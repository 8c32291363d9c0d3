// The latest calls that a live list shows, and what it could not show in their place. Bounded, however many come.
import type { Call } from '@/api/types.ts';
import { MOST_CALLS } from '@/api/live.ts';

export type Gap = 'dropped' | 'hidden';
export type LiveRow =
  | { key: number; kind: 'call'; call: Call }
  | { key: number; kind: 'gap'; why: Gap; count: number | null };

export interface LiveRows {
  rows: readonly LiveRow[];             // the latest first
  held: readonly LiveRow[] | null;      // what came while it was paused; null: it is not
  heldCount: number;
  calls: number;                        // since it began
  errors: number;
  lastKey: number;
}

export const NO_ROWS: LiveRows = { rows: [], held: null, heldCount: 0, calls: 0, errors: 0, lastKey: 0 };

export const isError = (c: Pick<Call, 'response_status' | 'outcome'>): boolean =>
  (c.response_status !== null && c.response_status >= 400) || (c.outcome !== null && c.outcome !== 'complete');

const cut = (rows: readonly LiveRow[]): readonly LiveRow[] => rows.slice(0, MOST_CALLS);

function put(s: LiveRows, added: readonly LiveRow[], count: number): LiveRows {
  return s.held === null
    ? { ...s, rows: cut([...added, ...s.rows]) }
    : { ...s, held: cut([...added, ...s.held]), heldCount: s.heldCount + count };
}

// calls: in the order in which they came. count: how many came, also those that would have been pushed out at once.
export function addCalls(s: LiveRows, calls: readonly Call[], count: number): LiveRows {
  const added = calls.map((call, i): LiveRow => ({ key: s.lastKey + 1 + i, kind: 'call', call })).reverse();
  const next = put(s, added, count);
  return {
    ...next, lastKey: s.lastKey + calls.length, calls: s.calls + count, errors: s.errors + calls.filter(isError).length,
  };
}

// Gaps beside each other are one.
export function addGap(s: LiveRows, why: Gap, count: number | null): LiveRows {
  const list = s.held ?? s.rows;
  const [first, ...rest] = list;
  if (first?.kind === 'gap' && first.why === why) {
    const both = first.count === null || count === null ? null : first.count + count;
    const joined: readonly LiveRow[] = [{ ...first, count: both }, ...rest];
    return s.held === null ? { ...s, rows: joined } : { ...s, held: joined };
  }
  const next = put(s, [{ key: s.lastKey + 1, kind: 'gap', why, count }], 0);
  return { ...next, lastKey: s.lastKey + 1 };
}

export const pause = (s: LiveRows): LiveRows => (s.held === null ? { ...s, held: [], heldCount: 0 } : s);

export const goOn = (s: LiveRows): LiveRows =>
  (s.held === null ? s : { ...s, rows: cut([...s.held, ...s.rows]), held: null, heldCount: 0 });
