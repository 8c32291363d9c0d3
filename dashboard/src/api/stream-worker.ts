// The one stream of a browser, for all its tabs: a SharedWorker, whose ports are places where calls are shown.
import type { Wish } from './live.ts';
import { LiveHub } from './liveHub.ts';
import type { Reader } from './liveHub.ts';
import { openSource } from './liveSource.ts';

export type ToWorker = { kind: 'want'; wish: Wish } | { kind: 'leave' } | { kind: 'end'; session: number };

// A tab that died said nothing: who wants something says so again each 15 s.
const SILENT_MS = 50_000;
const LOOKS_MS = 15_000;

const hub = new LiveHub(openSource);
const heard = new Map<Reader, number>();

function hear(reader: Reader, said: ToWorker): void {
  if (said.kind === 'end') {
    hub.end(said.session);
    return;
  }
  if (said.kind === 'leave' || said.wish === null)
    heard.delete(reader);
  else
    heard.set(reader, Date.now());
  if (said.kind === 'leave')
    hub.leave(reader);
  else
    hub.want(reader, said.wish);
}

setInterval(() => {
  for (const [reader, at] of heard)
    if (Date.now() - at > SILENT_MS)
      hear(reader, { kind: 'leave' });
}, LOOKS_MS);

(globalThis as unknown as { onconnect: (e: MessageEvent) => void }).onconnect = ({ ports: [port] }) => {
  if (!port)
    return;
  const reader: Reader = (news) => port.postMessage(news);
  port.onmessage = ({ data }: MessageEvent<ToWorker>) => hear(reader, data);
};
