// Where the reader is. The only part that touches the browser's history.
import { withoutKeys } from './keyish.ts';
import { settledPath } from './pages.ts';

export interface Place { path: string; search: string; hash: string }

const listeners = new Set<() => void>();
let place: Place = read();

function read(): Place {
  const path = settledPath(window.location.pathname);
  if (path !== window.location.pathname)
    window.history.replaceState(null, '', path + window.location.search + window.location.hash);
  return { path: window.location.pathname, search: window.location.search, hash: window.location.hash };
}

function changed(): void {
  place = read();
  for (const listener of listeners)
    listener();
}

export const currentPlace = (): Place => place;

export function watchPlace(listener: () => void): () => void {
  listeners.add(listener);
  return () => { listeners.delete(listener); };
}

// Choices push, so that Back undoes them; typing replaces. Another page begins at its top. No key gets into an address,
// whatever is asked for.
export function go(href: string, how: 'push' | 'replace' = 'push'): void {
  const next = new URL(withoutKeys(href), window.location.href);
  if (next.origin !== window.location.origin) {
    window.location.assign(next.href);
    return;
  }
  if (next.href === window.location.href)
    return;
  const isOtherPage = next.pathname !== window.location.pathname;
  window.history[how === 'push' ? 'pushState' : 'replaceState'](null, '', next.href);
  changed();
  if (isOtherPage && how === 'push')
    window.scrollTo(0, 0);
}

// Takes what stands behind the # out of the address, and of the history.
export function takeFragment(): string {
  const fragment = window.location.hash.slice(1);
  if (fragment) {
    window.history.replaceState(null, '', window.location.pathname + window.location.search);
    place = read();
  }
  return fragment;
}

export const leaveTo = (href: string): void => { window.location.assign(href); };
export const reload = (): void => { window.location.reload(); };
export const origin = (): string => window.location.origin;

window.addEventListener('popstate', changed);
