// The calls that one place of a page shows as they end: news are taken together, once for each picture that the
// browser draws.
import type { LiveNews, LiveState } from '@/api/live.ts';
import { endLive, watchLive } from '@/api/stream.ts';
import { NO_ROWS, addCalls, addGap, goOn, pause } from './liveRows.ts';
import type { LiveRows } from './liveRows.ts';
import { onSession } from './session.ts';
import { refresh } from './store.ts';
import { isMe } from './useMe.ts';

export interface Live extends LiveRows {
  state: LiveState;
  code: string | null;            // of docs/errors.md: why it waits
  spoken: { calls: number; errors: number } | null; // what came since it was last said aloud
}

const SAID_EACH_MS = 10_000;

onSession(endLive);

export class LiveFeed {
  readonly #filter: string;
  readonly #listeners = new Set<() => void>();
  #live: Live = { ...NO_ROWS, state: 'connecting', code: null, spoken: null };
  #shown = this.#live;
  #said = { calls: 0, errors: 0, at: 0 };
  #stop: (() => void) | null = null;
  #picture: number | null = null;
  #wasHidden = false;

  constructor(filter: string) {
    this.#filter = filter;
  }

  readonly read = (): Live => this.#shown;

  readonly watch = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#stop ??= watchLive(this.#filter, (news) => this.#take(news));
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) {
        this.#stop?.();
        this.#stop = null;
      }
    };
  };

  readonly pause = (): void => this.#put(pause(this.#live));
  readonly goOn = (): void => this.#put(goOn(this.#live));

  #take(news: LiveNews): void {
    switch (news.kind) {
      case 'calls': this.#put(addCalls(this.#live, news.calls, news.count)); break;
      case 'dropped': this.#put(addGap(this.#live, 'dropped', news.count)); break;
      case 'state': this.#onState(news.state, news.code); break;
    }
  }

  #onState(state: LiveState, code: string | null): void {
    this.#put({ state, code });
    if (state === 'ended')
      refresh(isMe);
    if (state === 'open' && this.#wasHidden && this.#live.lastKey > 0)
      this.#put(addGap(this.#live, 'hidden', null));
    if (state === 'open' || state === 'hidden')
      this.#wasHidden = state === 'hidden';
  }

  #put(part: Partial<Live>): void {
    this.#live = { ...this.#live, ...part };
    this.#picture ??= requestAnimationFrame(() => {
      this.#picture = null;
      this.#say(performance.now());
      this.#shown = this.#live;
      for (const listener of this.#listeners)
        listener();
    });
  }

  // What comes during a pause is part of what is said after it.
  #say(now: number): void {
    const { calls, errors, held } = this.#live;
    if (held !== null || now - this.#said.at < SAID_EACH_MS || calls === this.#said.calls)
      return;
    this.#live = { ...this.#live, spoken: { calls: calls - this.#said.calls, errors: errors - this.#said.errors } };
    this.#said = { calls, errors, at: now };
  }
}
