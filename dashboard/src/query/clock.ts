// The one clock by which pages refresh. `now` is what questions ask up to: it stands while the tab is hidden, while the
// reader has switched refreshing off, and while an answer is still awaited, or one slower than the period would never be
// seen. `seen` goes on for as long as somebody looks: by it is told how old what is shown is.
import { useSyncExternalStore } from 'react';
import { currentPlace, watchPlace } from '@/url/place.ts';
import { isWaiting } from './store.ts';

const PERIODS_S = [5, 10, 30, 60, 0] as const;
export type Period = (typeof PERIODS_S)[number]; // 0: off
export const PERIODS: readonly Period[] = PERIODS_S;

const KEY = 'tollgate.refresh';
const BEAT_MS = 1000;
const OLD_MS = 10_000; // for what is asked for the first time, and for `seen` while refreshing is off
const listeners = new Set<() => void>();
let now = new Date();
let seen = now;
let period: Period = stored();
let timer: ReturnType<typeof setInterval> | undefined;

function stored(): Period {
  const text = window.localStorage.getItem(KEY);
  return PERIODS.find((p) => String(p) === text) ?? 10;
}

// Also where the machine's clock was set back.
const isOlder = (at: Date, ms: number): boolean => Math.abs(Date.now() - at.getTime()) > ms - BEAT_MS / 2;

function see(): void {
  seen = new Date();
  for (const listener of listeners)
    listener();
}

export function tick(): void {
  now = new Date();
  see();
}

// Before another page or range is asked for: up to now, not up to when the one before was.
export function catchUp(): void {
  if (isOlder(now, OLD_MS))
    tick();
}

function beat(): void {
  const ms = period * 1000 || OLD_MS;
  if (period > 0 && isOlder(now, ms) && !isWaiting())
    tick();
  else if (isOlder(seen, ms))
    see();
}

function run(): void {
  clearInterval(timer);
  timer = document.visibilityState === 'visible' && listeners.size > 0 ? setInterval(beat, BEAT_MS) : undefined;
}

export function setPeriod(p: Period): void {
  period = p;
  window.localStorage.setItem(KEY, String(p));
  tick();
}

// Who comes and goes does not put off the beat.
function watch(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined)
    run();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0)
      run();
  };
}

document.addEventListener('visibilitychange', () => {
  run();
  if (timer !== undefined)
    beat();
});

let { path } = currentPlace();
watchPlace(() => {
  if (currentPlace().path !== path)
    catchUp();
  path = currentPlace().path;
});

export const useNow = (): Date => useSyncExternalStore(watch, () => now);
export const useSeen = (): Date => useSyncExternalStore(watch, () => seen);
export const usePeriod = (): Period => useSyncExternalStore(watch, () => period);
