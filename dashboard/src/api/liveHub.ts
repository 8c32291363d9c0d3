// Who wants which calls, and the one stream that has them all. Where wishes change the next stream is opened
// before the former is closed: nothing is missed between them, and what both tell is told once.
import { MOST_CALLS, MOST_FILTERS } from './live.ts';
import type { LiveNews, LiveState, Wish } from './live.ts';
import type { OpenSource, SentCall, Source } from './liveSource.ts';
import type { Call } from './types.ts';

export type Reader = (news: LiveNews) => void;

interface Seat { wish: Wish; calls: Call[]; count: number }
interface Stream { filters: readonly string[]; source: Source; isOpen: boolean }

const BATCH_MS = 100;
const SETTLES_MS = 30;   // tabs come and go together: one stream, not one after each
const FIRST_WAIT_MS = 2000;
const MOST_WAIT_MS = 60_000;
const REMEMBERED = 1000;
const CONNECTING: LiveNews = { kind: 'state', state: 'connecting', code: null };

export class LiveHub {
  readonly #open: OpenSource;
  readonly #seats = new Map<Reader, Seat>();
  #now: Stream | null = null;   // whose calls are told
  #next: Stream | null = null;  // opened, and not there yet
  #state: LiveNews = CONNECTING;
  #waitMs = FIRST_WAIT_MS;
  #ended: number | undefined;
  #seen: string[] = [];
  #seenSet = new Set<string>();
  #settles: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #flushes: ReturnType<typeof setTimeout> | undefined;

  constructor(open: OpenSource) {
    this.#open = open;
  }

  // The same wish again is nothing new.
  want(reader: Reader, wish: Wish): void {
    const seat = this.#seats.get(reader);
    if (seat?.wish === wish)
      return;
    this.#seats.set(reader, { wish, calls: [], count: 0 });
    if (wish !== null)
      reader(this.#now?.isOpen && this.#now.filters.includes(wish) ? { kind: 'state', state: 'open', code: null } : this.#state);
    this.#settle();
  }

  leave(reader: Reader): void {
    if (this.#seats.delete(reader))
      this.#settle();
  }

  // Nobody is signed in any more: for all readers. What several tabs tell is done once: those who came meanwhile
  // are of the next session.
  end(session?: number): void {
    if (session !== undefined && session === this.#ended)
      return;
    this.#ended = session ?? this.#ended;
    const wanting = [...this.#seats].filter(([, seat]) => seat.wish !== null);
    for (const [, seat] of wanting)
      seat.wish = null;
    this.#closeAll();
    for (const [reader] of wanting)
      reader({ kind: 'state', state: 'ended', code: null });
  }

  #settle(): void {
    clearTimeout(this.#settles);
    this.#settles = setTimeout(() => this.#follow(), SETTLES_MS);
  }

  #wishes(): string[] {
    const wishes = new Set<string>();
    for (const { wish } of this.#seats.values())
      if (wish !== null)
        wishes.add(wish);
    return [...wishes];
  }

  // Opens what is wanted now.
  #follow(): void {
    const wishes = this.#wishes();
    const filters = wishes.slice(0, MOST_FILTERS).sort();
    for (const [reader, { wish }] of this.#seats)
      if (wish !== null && !filters.includes(wish))
        reader({ kind: 'state', state: 'crowded', code: null });
    if (filters.length === 0) {
      this.#closeAll();
      return;
    }
    const current = this.#next ?? this.#now;
    if (current && current.filters.join(' ') === filters.join(' '))
      return;
    this.#start(filters);
  }

  #start(filters: readonly string[]): void {
    clearTimeout(this.#again);
    this.#next?.source.close();
    const stream: Stream = { filters, source: { close: () => undefined }, isOpen: false };
    this.#next = stream;
    stream.source = this.#open(filters, {
      onOpen: () => this.#onOpen(stream),
      onCall: (id, call) => this.#onCall(stream, id, call),
      onDropped: (count) => this.#toAll(stream, { kind: 'dropped', count }),
      onEnd: (reason) => this.#onEnd(stream, reason),
      onLost: () => this.#onLost(stream),
      onRefused: (code) => this.#tryAgain(stream, code),
    });
  }

  #onOpen(stream: Stream): void {
    stream.isOpen = true;
    if (stream === this.#next) {
      this.#now?.source.close();
      this.#now = stream;
      this.#next = null;
    }
    this.#waitMs = FIRST_WAIT_MS;
    this.#tell('open', null);
  }

  #onLost(stream: Stream): void {
    stream.isOpen = false;
    if (stream === this.#now || !this.#now)
      this.#tell('waiting', 'network');
  }

  #onEnd(stream: Stream, reason: string): void {
    if (reason === 'signed_out' || reason === 'no_role')
      this.end();
    else
      this.#tryAgain(stream, reason === 'shutdown' ? 'shutting_down' : 'database_unavailable');
  }

  // It is gone for good; another takes its place after a while.
  #tryAgain(stream: Stream, code: string | null): void {
    stream.source.close();
    if (stream === this.#now)
      this.#now = null;
    if (stream === this.#next)
      this.#next = null;
    if (code === 'not_signed_in' || code === 'no_role') {
      this.end();
      return;
    }
    if (!this.#now)
      this.#tell('waiting', code);
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#follow(), this.#waitMs);
    this.#waitMs = Math.min(this.#waitMs * 2, MOST_WAIT_MS);
  }

  // False: it was told already.
  #isNew(id: string): boolean {
    if (id === '')
      return true;
    if (this.#seenSet.has(id))
      return false;
    this.#seenSet.add(id);
    this.#seen.push(id);
    if (this.#seen.length > 2 * REMEMBERED) {
      for (const old of this.#seen.splice(0, REMEMBERED))
        this.#seenSet.delete(old);
    }
    return true;
  }

  #onCall(stream: Stream, id: string, { filters = [], ...call }: SentCall): void {
    if (!this.#isNew(id))
      return;
    const fits = new Set(filters.map((i) => stream.filters[i]));
    for (const seat of this.#seats.values()) {
      if (seat.wish === null || !fits.has(seat.wish))
        continue;
      seat.count++;
      seat.calls.push(call);
      if (seat.calls.length > 2 * MOST_CALLS)
        seat.calls.splice(0, seat.calls.length - MOST_CALLS);
    }
    this.#flushes ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  #flush(): void {
    this.#flushes = undefined;
    for (const [reader, seat] of this.#seats) {
      const { calls, count } = seat;
      if (count === 0)
        continue;
      seat.calls = [];
      seat.count = 0;
      reader({ kind: 'calls', calls: calls.slice(-MOST_CALLS), count });
    }
  }

  #toAll(stream: Stream, news: LiveNews): void {
    this.#flush();
    for (const [reader, { wish }] of this.#seats)
      if (wish !== null && stream.filters.includes(wish))
        reader(news);
  }

  #tell(state: LiveState, code: string | null): void {
    this.#state = state === 'waiting' ? { kind: 'state', state, code } : CONNECTING;
    for (const [reader, { wish }] of this.#seats)
      if (wish !== null && (state !== 'open' || this.#now?.filters.includes(wish)))
        reader({ kind: 'state', state, code });
  }

  #closeAll(): void {
    for (const timer of [this.#settles, this.#again, this.#flushes])
      clearTimeout(timer);
    this.#flushes = undefined;
    this.#now?.source.close();
    this.#next?.source.close();
    this.#now = this.#next = null;
    this.#state = CONNECTING;
    this.#waitMs = FIRST_WAIT_MS;
  }
}
