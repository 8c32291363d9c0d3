import { useMemo, useSyncExternalStore } from 'react';
import { LiveFeed } from './liveFeed.ts';
import type { Live } from './liveFeed.ts';

export interface Feed { live: Live; pause: () => void; goOn: () => void }

// filter: as an address has filters. Other filters begin anew.
export function useLive(filter: string): Feed {
  const feed = useMemo(() => new LiveFeed(filter), [filter]);
  const live = useSyncExternalStore(feed.watch, feed.read);
  return { live, pause: feed.pause, goOn: feed.goOn };
}
