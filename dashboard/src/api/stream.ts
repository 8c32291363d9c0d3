// Calls as they end, for one place of a page that shows them: from the worker of all tabs; where the browser has no
// SharedWorker, by a stream of this tab's own. Nothing is wanted while the tab is hidden.
import type { LiveNews, Wish } from './live.ts';
import { LiveHub } from './liveHub.ts';
import { openSource } from './liveSource.ts';
import type { ToWorker } from './stream-worker.ts';

declare const STREAM_WORKER: string; // its address; the build's

type Take = (news: LiveNews) => void;
interface Line { say: (said: ToWorker) => void; close: () => void }

const SAYS_AGAIN_MS = 15_000;
const own = new LiveHub(openSource);
const lines = new Set<Line>();
let hasWorker = typeof SharedWorker === 'function';

function lineToOwn(take: Take): Line {
  return {
    say: (said) => {
      if (said.kind === 'want')
        own.want(take, said.wish);
      else if (said.kind === 'leave')
        own.leave(take);
      else
        own.end(said.session);
    },
    close: () => own.leave(take),
  };
}

function lineToWorker(take: Take, onBroken: () => void): Line {
  const worker = new SharedWorker(STREAM_WORKER, { name: 'tollgate-live' });
  worker.onerror = onBroken;
  worker.port.onmessage = ({ data }: MessageEvent<LiveNews>) => take(data);
  return {
    say: (said) => worker.port.postMessage(said),
    close: () => { worker.port.postMessage({ kind: 'leave' } satisfies ToWorker); worker.port.close(); },
  };
}

class Watch {
  readonly #take: Take;
  readonly #filter: string;
  #line: Line;
  #isEnded = false;

  constructor(filter: string, take: Take) {
    this.#filter = filter;
    this.#take = (news) => {
      this.#isEnded ||= news.kind === 'state' && news.state === 'ended';
      take(news);
    };
    this.#line = this.#connect();
    lines.add(this.#line);
    this.say();
  }

  // The worker could not be loaded: this tab, and those to come, do without.
  #connect(): Line {
    return hasWorker ? lineToWorker(this.#take, () => {
      hasWorker = false;
      lines.delete(this.#line);
      this.#line = lineToOwn(this.#take);
      lines.add(this.#line);
      this.say();
    }) : lineToOwn(this.#take);
  }

  say(isGone = false): void {
    if (this.#isEnded)
      return;
    const wish: Wish = isGone || document.visibilityState !== 'visible' ? null : this.#filter;
    this.#line.say({ kind: 'want', wish });
    if (wish === null)
      this.#take({ kind: 'state', state: 'hidden', code: null });
  }

  close(): void {
    lines.delete(this.#line);
    this.#line.close();
  }
}

export function watchLive(filter: string, take: Take): () => void {
  const watch = new Watch(filter, take);
  const onVisible = (): void => watch.say();
  const onGone = (): void => watch.say(true);
  const timer = setInterval(() => { if (document.visibilityState === 'visible') watch.say(); }, SAYS_AGAIN_MS);
  document.addEventListener('visibilitychange', onVisible);
  window.addEventListener('pagehide', onGone);
  window.addEventListener('pageshow', onVisible);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', onVisible);
    window.removeEventListener('pagehide', onGone);
    window.removeEventListener('pageshow', onVisible);
    watch.close();
  };
}

// Whoever was signed in is not any more. `session`: a number of this news, which each tab tells.
export function endLive(session: number): void {
  for (const line of lines)
    line.say({ kind: 'end', session });
}
