// Sessions begin and end in all tabs of a browser at once.
import { change } from '@/api/call.ts';
import { leaveTo } from '@/url/place.ts';
import { forgetAll, refresh, setOnSignedOut } from './store.ts';
import { isMe } from './useMe.ts';

type News = 'signed-in' | 'signed-out';
const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('tollgate-session') : null;
const listeners = new Set<(news: News) => void>();

function hear(news: News): void {
  if (news === 'signed-out')
    forgetAll();
  refresh(isMe);
  for (const listener of listeners)
    listener(news);
}

channel?.addEventListener('message', (e: MessageEvent<unknown>) => {
  if (e.data === 'signed-in' || e.data === 'signed-out')
    hear(e.data);
});
setOnSignedOut((address) => { if (!isMe(address)) refresh(isMe); });

// Streams and drafts of somebody end with the session.
export function onSession(listener: (news: News) => void): () => void {
  listeners.add(listener);
  return () => { listeners.delete(listener); };
}

export async function signIn(by: { key: string } | { code: string }): Promise<void> {
  await change('post', '/api/session', { body: by });
  channel?.postMessage('signed-in');
  hear('signed-in');
}

// At a provider too, where it ends sessions: the browser is sent there.
export async function signOut(everywhere: boolean): Promise<void> {
  const answer: unknown = await change('delete', '/api/session', { query: { everywhere } });
  channel?.postMessage('signed-out');
  hear('signed-out');
  const url = typeof answer === 'object' && answer !== null && 'sign_out_url' in answer ? answer.sign_out_url : null;
  leaveTo(typeof url === 'string' ? url : '/sign-in');
}
