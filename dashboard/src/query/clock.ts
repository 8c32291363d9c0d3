// The one clock by which pages refresh: `now` of all that is shown. It stands while the tab is hidden, and
// while the reader has switched refreshing off.
import { useSyncExternalStore } from 'react';

const PERIODS_S = [5, 10, 30, 60, 0] as const;
export type Period = (typeof PERIODS_S)[number]; // 0: off
export const PERIODS: readonly Period[] = PERIODS_S;

const KEY = 'tollgate.refresh';
const listeners = new Set<() => void>();
let now = new Date();
let period: Period = stored();
let timer: ReturnType<typeof setInterval> | null = null;

function stored(): Period {
  const text = window.localStorage.getItem(KEY);
  return PERIODS.find((p) => String(p) === text) ?? 10;
}

export function tick(): void {
  now = new Date();
  for (const listener of listeners)
    listener();
}

function run(): void {
  if (timer !== null)
    clearInterval(timer);
  timer = null;
  if (period > 0 && document.visibilityState === 'visible' && listeners.size > 0)
    timer = setInterval(tick, period * 1000);
}

export function setPeriod(p: Period): void {
  period = p;
  window.localStorage.setItem(KEY, String(p));
  run();
  tick();
}

function watch(listener: () => void): () => void {
  listeners.add(listener);
  run();
  return () => { listeners.delete(listener); run(); };
}

document.addEventListener('visibilitychange', () => {
  run();
  if (document.visibilityState === 'visible' && period > 0 && Date.now() - now.getTime() > period * 1000)
    tick();
});

export const useNow = (): Date => useSyncExternalStore(watch, () => now);
export const usePeriod = (): Period => useSyncExternalStore(watch, () => period);
