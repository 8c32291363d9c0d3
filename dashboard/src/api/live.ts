// What is told of calls as they end (docs/live.md), and who wants it: between tabs and the worker that holds
// the one stream of a browser.
import type { Call } from './types.ts';

// waiting: lost or refused, and tried again; ended: nobody is signed in any more, or has a role; crowded: more
// different questions than one stream can have.
export type LiveState = 'connecting' | 'open' | 'waiting' | 'hidden' | 'ended' | 'crowded';

export type LiveNews =
  | { kind: 'calls'; calls: readonly Call[]; count: number } // latest last; count: with those that were passed over
  | { kind: 'dropped'; count: number | null }                // null: some
  | { kind: 'state'; state: LiveState; code: string | null };

// As an address has filters: "token=12&class=5xx"; "": all calls. Null: not now.
export type Wish = string | null;

export const MOST_FILTERS = 16;
export const MOST_CALLS = 200;
