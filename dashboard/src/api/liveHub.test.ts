import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { MOST_CALLS, MOST_FILTERS } from './live.ts';
import type { LiveNews } from './live.ts';
import { LiveHub } from './liveHub.ts';
import type { SourceEvents } from './liveSource.ts';

// Timers that pass when a test says so.
const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
let waiting: { id: number; at: number; run: () => void }[] = [];
let now = 0;
let lastId = 0;

function stopTime(): void {
  waiting = [];
  globalThis.setTimeout = ((run: () => void, ms: number) => {
    waiting.push({ id: ++lastId, at: now + ms, run });
    return lastId;
  }) as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((id: number | undefined) => { waiting = waiting.filter((w) => w.id !== id); }) as typeof clearTimeout;
}

function pass(ms: number): void {
  const until = now + ms;
  for (;;) {
    const next = waiting.filter((w) => w.at <= until).sort((a, b) => a.at - b.at)[0];
    if (!next)
      break;
    waiting = waiting.filter((w) => w !== next);
    now = next.at;
    next.run();
  }
  now = until;
}

afterEach(() => { Object.assign(globalThis, real); });

interface Opened { filters: readonly string[]; events: SourceEvents; isClosed: boolean }

function start() {
  stopTime();
  const opened: Opened[] = [];
  const hub = new LiveHub((filters, events) => {
    const one: Opened = { filters, events, isClosed: false };
    opened.push(one);
    return { close: () => { one.isClosed = true; } };
  });
  const at = (i: number): Opened => opened[i] ?? assert.fail(`stream ${i} was not opened`);
  const readers = new Map<string, LiveNews[]>();
  const reader = (name: string) => {
    const news: LiveNews[] = [];
    readers.set(name, news);
    return (n: LiveNews): void => { news.push(n); };
  };
  const states = (name: string): string[] => (readers.get(name) ?? []).flatMap((n) => (n.kind === 'state' ? [n.state] : []));
  const calls = (name: string): number[] => (readers.get(name) ?? []).flatMap((n) => (n.kind === 'calls' ? n.calls.map((c) => c.id) : []));
  const send = (stream: Opened, id: string, n: number, filters: number[]): void =>
    stream.events.onCall(id, { id: n, filters } as Parameters<SourceEvents['onCall']>[1]);
  const settle = (): void => pass(40);
  return { hub, opened, at, reader, readers, states, calls, send, settle, flush: () => pass(150) };
}

test('wishes that come together are one stream, each once', () => {
  const { hub, opened, at, reader, settle } = start();
  hub.want(reader('a'), 'token=1');
  hub.want(reader('b'), '');
  hub.want(reader('c'), 'token=1');
  settle();
  assert.equal(opened.length, 1);
  assert.deepEqual(at(0).filters, ['', 'token=1']);
});

test('each reader gets what fits its wish, together', () => {
  const { hub, at, reader, readers, calls, send, settle, flush } = start();
  hub.want(reader('a'), 'class=5xx');
  hub.want(reader('b'), '');
  settle();
  at(0).events.onOpen();
  send(at(0), 'x-1', 1, [0]);
  send(at(0), 'x-2', 2, [0, 1]);
  flush();
  assert.deepEqual(calls('a'), [2]);
  assert.deepEqual(calls('b'), [1, 2]);
  assert.equal(readers.get('b')?.filter((n) => n.kind === 'calls').length, 1);
});

test('where wishes change the next stream is open before the former closes, and nothing is told twice', () => {
  const { hub, opened, at, reader, calls, send, settle, flush } = start();
  hub.want(reader('a'), '');
  settle();
  at(0).events.onOpen();
  hub.want(reader('b'), 'token=1');
  settle();
  assert.equal(opened.length, 2);
  assert.equal(at(0).isClosed, false);
  send(at(0), 'x-1', 1, [0]);
  at(1).events.onOpen();
  assert.equal(at(0).isClosed, true);
  send(at(1), 'x-1', 1, [0, 1]);
  send(at(1), 'x-2', 2, [0, 1]);
  flush();
  assert.deepEqual(calls('a'), [1, 2]);
  assert.deepEqual(calls('b'), [2]);
});

test('nobody wants anything: it is closed; the same wish again is nothing new', () => {
  const { hub, opened, at, reader, settle } = start();
  const a = reader('a');
  hub.want(a, '');
  settle();
  at(0).events.onOpen();
  hub.want(a, '');
  settle();
  assert.equal(opened.length, 1);
  hub.want(a, null);
  settle();
  assert.equal(at(0).isClosed, true);
  hub.want(a, '');
  settle();
  assert.equal(opened.length, 2);
  hub.leave(a);
  settle();
  assert.equal(at(1).isClosed, true);
});

test('it ends for all, and is not begun anew by itself', () => {
  for (const how of ['signed_out', 'no_role', 'by the tab', 'refused'] as const) {
    const { hub, opened, at, reader, states, settle } = start();
    hub.want(reader('a'), '');
    hub.want(reader('b'), 'token=1');
    settle();
    at(0).events.onOpen();
    if (how === 'by the tab')
      hub.end();
    else if (how === 'refused')
      at(0).events.onRefused('not_signed_in');
    else
      at(0).events.onEnd(how);
    pass(120_000);
    assert.deepEqual([states('a').at(-1), states('b').at(-1)], ['ended', 'ended'], how);
    assert.equal(opened.length, 1, how);
  }
});

test('what several tabs tell of one session ends it once: who came meanwhile is of the next', () => {
  const { hub, opened, at, reader, states, settle } = start();
  hub.want(reader('former'), '');
  settle();
  at(0).events.onOpen();
  hub.end(0.1);
  hub.want(reader('next'), '');
  hub.end(0.1);
  settle();
  assert.deepEqual([states('former').at(-1), opened.length, at(0).isClosed], ['ended', 2, true]);
  at(1).events.onOpen();
  assert.equal(states('next').at(-1), 'open');
  hub.end(0.2);
  assert.deepEqual([states('next').at(-1), at(1).isClosed], ['ended', true]);
});

test('a refused stream is tried again, after longer and longer', () => {
  const { hub, opened, at, reader, readers, settle } = start();
  hub.want(reader('a'), '');
  settle();
  at(0).events.onRefused('too_many_streams');
  assert.deepEqual(readers.get('a')?.at(-1), { kind: 'state', state: 'waiting', code: 'too_many_streams' });
  pass(2000);
  assert.equal(opened.length, 2);
  at(1).events.onRefused('busy');
  pass(3900);
  assert.equal(opened.length, 2);
  pass(200);
  at(2).events.onOpen();
  assert.deepEqual(readers.get('a')?.at(-1), { kind: 'state', state: 'open', code: null });
});

test('a manager that restarts is waited for; a lost line is the browser\'s to mend', () => {
  const { hub, opened, at, reader, states, settle } = start();
  hub.want(reader('a'), '');
  settle();
  at(0).events.onOpen();
  at(0).events.onLost();
  assert.equal(states('a').at(-1), 'waiting');
  at(0).events.onOpen();
  assert.equal(states('a').at(-1), 'open');
  at(0).events.onEnd('shutdown');
  assert.equal(states('a').at(-1), 'waiting');
  pass(2100);
  assert.equal(opened.length, 2);
});

test('what one stream cannot have as well is said', () => {
  const { hub, at, reader, states, settle } = start();
  for (let i = 0; i <= MOST_FILTERS; i++)
    hub.want(reader(`r${i}`), `token=${i + 1}`);
  settle();
  assert.equal(at(0).filters.length, MOST_FILTERS);
  assert.equal(states(`r${MOST_FILTERS}`).at(-1), 'crowded');
  at(0).events.onOpen();
  assert.deepEqual([states('r0').at(-1), states(`r${MOST_FILTERS}`).at(-1)], ['open', 'crowded']);
});

test('only who is in a stream is told that it is open', () => {
  const { hub, at, reader, states, settle } = start();
  hub.want(reader('first'), 'token=1');
  settle();
  hub.want(reader('late'), 'token=2');
  at(0).events.onOpen();
  assert.deepEqual([states('first').at(-1), states('late').at(-1)], ['open', 'connecting']);
  settle();
  at(1).events.onOpen();
  assert.equal(states('late').at(-1), 'open');
});

test('what waits for a reader is bounded, and counted', () => {
  const { hub, at, reader, readers, send, settle, flush } = start();
  hub.want(reader('a'), '');
  settle();
  at(0).events.onOpen();
  for (let i = 0; i < 5000; i++)
    send(at(0), `x-${i}`, i, [0]);
  flush();
  const news = readers.get('a')?.at(-1);
  assert.ok(news?.kind === 'calls' && news.calls.length === MOST_CALLS && news.count === 5000);
  assert.equal(news.calls.at(-1)?.id, 4999);
});

test('drops are told after what came before them', () => {
  const { hub, at, reader, readers, send, settle } = start();
  hub.want(reader('a'), '');
  settle();
  at(0).events.onOpen();
  send(at(0), 'x-1', 1, [0]);
  at(0).events.onDropped(311);
  assert.deepEqual(readers.get('a')?.slice(-2).map((n) => n.kind), ['calls', 'dropped']);
});
