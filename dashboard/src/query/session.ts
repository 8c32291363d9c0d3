// Sessions begin and end in all tabs of a browser at once.
import { useSyncExternalStore } from 'react';
import { addressOfGet, change } from '@/api/call.ts';
import { leaveTo } from '@/url/place.ts';
import { forgetAll, refresh, setOnSignedOut } from './store.ts';
import { isMe } from './useMe.ts';

// The ways to sign in are the same for everybody.
export const WAYS = addressOfGet('/api/sign-in');

const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('tollgate-session') : null;
const listeners = new Set<(session: number) => void>();
let session = 0; // a number of its own from each beginning or end on

// Who signs in may be another than before: nothing is left in either case.
function hear(news: number): void {
  session = news;
  forgetAll((address) => address === WAYS);
  for (const listener of listeners)
    listener(session);
}

function tell(): void {
  const news = Math.random();
  channel?.postMessage(news);
  hear(news);
}

channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (typeof data === 'number')
    hear(data);
});
setOnSignedOut((address) => { if (!isMe(address)) refresh(isMe); });

// Streams of somebody end with the session.
export function onSession(listener: (session: number) => void): () => void {
  listeners.add(listener);
  return () => { listeners.delete(listener); };
}

// What somebody sees, and has typed, is theirs alone: a key of what is drawn.
export const useSession = (): number => useSyncExternalStore(onSession, () => session);

export async function signIn(by: { key: string } | { code: string }): Promise<void> {
  await change('post', '/api/session', { body: by });
  tell();
}

// At a provider too, where it ends sessions: the browser is sent there.
export async function signOut(everywhere: boolean): Promise<void> {
  const answer: unknown = await change('delete', '/api/session', { query: { everywhere } });
  tell();
  const url = typeof answer === 'object' && answer !== null && 'sign_out_url' in answer ? answer.sign_out_url : null;
  leaveTo(typeof url === 'string' ? url : '/sign-in');
}
