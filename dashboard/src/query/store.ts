// Answers of the manager, by address. Equal questions are one request, which ends with its last reader;
// old data stay while new ones load or fail. Passing failures are tried twice more, unless that takes longer than
// somebody would look at nothing.
import { getAddress } from '@/api/call.ts';
import { asProblem, isPassing } from '@/api/problem.ts';
import type { Problem } from '@/api/problem.ts';

export interface Entry<T = unknown> {
  data: T | undefined;
  problem: Problem | null; // of the last try, where that failed
  isLoading: boolean;
  loadedAt: number | null; // clock of this browser
}

const EMPTY: Entry = { data: undefined, problem: null, isLoading: true, loadedAt: null };
const RETRIES_MS = [400, 1500];
const PATIENCE_MS = 2000;
const KEPT_MS = 30_000;
const LOST_MS = 60_000; // no answer comes any more: the manager gives up sooner

interface Slot {
  entry: Entry;
  readers: Set<() => void>;
  abort: AbortController | null; // while it loads
  begunAt: number;
  forgetAt: ReturnType<typeof setTimeout> | null;
}

const slots = new Map<string, Slot>();

function slotOf(address: string): Slot {
  let slot = slots.get(address);
  if (!slot) {
    slot = { entry: EMPTY, readers: new Set(), abort: null, begunAt: 0, forgetAt: null };
    slots.set(address, slot);
  }
  return slot;
}

function put(slot: Slot, part: Partial<Entry>): void {
  slot.entry = { ...slot.entry, ...part };
  for (const reader of slot.readers)
    reader();
}

const pause = (ms: number, signal: AbortSignal): Promise<void> => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});

async function fetchPatiently(address: string, signal: AbortSignal): Promise<unknown> {
  for (let tries = 0; ; tries++) {
    try {
      return await getAddress(address, signal);
    } catch (e) {
      const problem = asProblem(e);
      const own = RETRIES_MS[tries];
      const wait = own === undefined ? Infinity : problem.retryAfterMs ?? own;
      if (signal.aborted || wait > PATIENCE_MS || !isPassing(problem))
        throw e;
      await pause(wait, signal);
    }
  }
}

async function load(address: string, slot: Slot): Promise<void> {
  const abort = new AbortController();
  slot.abort = abort;
  slot.begunAt = Date.now();
  put(slot, { isLoading: true });
  try {
    const data = await fetchPatiently(address, abort.signal);
    if (slot.abort === abort)
      put(slot, { data, problem: null, isLoading: false, loadedAt: Date.now() });
  } catch (e) {
    if (slot.abort === abort)
      put(slot, { problem: asProblem(e), isLoading: false });
    if (asProblem(e).status === 401)
      onSignedOut(address);
  } finally {
    if (slot.abort === abort)
      slot.abort = null;
  }
}

// Told where the manager knows nobody any more: the session has ended.
let onSignedOut: (address: string) => void = () => undefined;
export const setOnSignedOut = (told: (address: string) => void): void => { onSignedOut = told; };

// Whether something that is read is on its way.
export const isWaiting = (): boolean => [...slots.values()].some((s) => s.abort && Date.now() - s.begunAt < LOST_MS);

export const readEntry = (address: string): Entry => slots.get(address)?.entry ?? EMPTY;

// Loads it where it is not there, is older than `freshMs` or failed.
export function watchEntry(address: string, freshMs: number, reader: () => void): () => void {
  const slot = slotOf(address);
  slot.readers.add(reader);
  if (slot.forgetAt !== null)
    clearTimeout(slot.forgetAt);
  slot.forgetAt = null;
  const isFresh = slot.entry.loadedAt !== null && Date.now() - slot.entry.loadedAt < freshMs && !slot.entry.problem;
  if (!slot.abort && !isFresh)
    void load(address, slot);
  return () => leave(address, slot, reader);
}

function leave(address: string, slot: Slot, reader: () => void): void {
  slot.readers.delete(reader);
  if (slot.readers.size > 0)
    return;
  slot.abort?.abort();
  slot.abort = null;
  slot.forgetAt = setTimeout(() => {
    if (slots.get(address) === slot && slot.readers.size === 0)
      slots.delete(address);
  }, KEPT_MS);
}

function drop(address: string, slot: Slot): void {
  if (slot.forgetAt !== null)
    clearTimeout(slot.forgetAt);
  slots.delete(address);
}

// For who reads it in a moment.
export function prefetch(address: string): void {
  setTimeout(watchEntry(address, KEPT_MS, () => undefined), KEPT_MS);
}

// Asks anew for what somebody reads; forgets what nobody does. `hasChanged`: also for what is on its way, which may
// have been answered before the change.
export function refresh(isMeant: (address: string) => boolean, hasChanged = false): void {
  for (const [address, slot] of [...slots]) {
    if (!isMeant(address))
      continue;
    if (slot.readers.size === 0)
      drop(address, slot);
    else if (hasChanged || !slot.abort) {
      slot.abort?.abort();
      void load(address, slot);
    }
  }
}

// What was known of somebody who has signed out, or is another now. Who still reads it then has to watch it anew.
export function forgetAll(isKept: (address: string) => boolean): void {
  for (const [address, slot] of [...slots]) {
    if (isKept(address))
      continue;
    slot.abort?.abort();
    slot.abort = null;
    if (slot.readers.size === 0)
      drop(address, slot);
    else
      put(slot, EMPTY);
  }
}
