// One event stream of the manager's.
import { problemOf } from './problem.ts';
import type { Call } from './types.ts';

export type SentCall = Call & { filters?: number[] };

export interface SourceEvents {
  onOpen: () => void;
  onCall: (id: string, call: SentCall) => void;
  onDropped: (count: number | null) => void;
  onEnd: (reason: string) => void;              // the manager's own; it has been closed
  onLost: () => void;                           // the browser tries again by itself, and tells what it had last
  onRefused: (code: string | null) => void;     // it does not; docs/errors.md has the code
}

export interface Source { close: () => void }
export type OpenSource = (filters: readonly string[], events: SourceEvents) => Source;

export const liveAddress = (filters: readonly string[]): string =>
  `/api/live?${filters.map((f) => `filter=${encodeURIComponent(f)}`).join('&')}`;

// EventSource does not tell with what a stream was refused: it is asked for once more.
async function whyRefused(address: string): Promise<string | null> {
  const abort = new AbortController();
  try {
    const response = await fetch(address, { credentials: 'same-origin', signal: abort.signal });
    const code = response.ok ? null : (await problemOf(response)).code;
    abort.abort();
    return code;
  } catch {
    return 'network';
  }
}

export const openSource: OpenSource = (filters, events) => {
  const address = liveAddress(filters);
  const source = new EventSource(address);
  let isClosed = false;
  const close = (): void => {
    isClosed = true;
    source.close();
  };
  const listen = (name: string, hear: (e: MessageEvent<string>) => void): void =>
    source.addEventListener(name, hear as (e: Event) => void);
  source.onopen = events.onOpen;
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED)
      events.onLost();
    else
      void whyRefused(address).then((code) => { if (!isClosed) events.onRefused(code); });
  };
  listen('request', (e) => events.onCall(e.lastEventId, JSON.parse(e.data) as SentCall));
  listen('dropped', (e) => events.onDropped((JSON.parse(e.data) as { count: number | null }).count));
  listen('end', (e) => { close(); events.onEnd((JSON.parse(e.data) as { reason: string }).reason); });
  return { close };
};
