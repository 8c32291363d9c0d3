import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { forgetAll, isWaiting, readEntry, refresh, watchEntry } from './store.ts';

// What was asked for, each with how to answer it.
interface Asked { address: string; isAborted: () => boolean; answer: (data: unknown) => Promise<void> }
let asked: Asked[] = [];
let leave: (() => void)[] = [];
let named = 0;

const settled = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve); });
const real = { fetch: globalThis.fetch, now: Date.now };

beforeEach(() => {
  asked = [];
  leave = [];
  globalThis.fetch = (address, of) => new Promise<Response>((resolve, reject) => {
    const signal = of?.signal;
    signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError')));
    asked.push({ address: String(address), isAborted: () => signal?.aborted === true, answer: async (data) => {
      resolve(new Response(JSON.stringify(data)));
      await settled();
    } });
  });
});

afterEach(async () => {
  await settled();
  for (const go of leave)
    go();
  refresh(() => true); // nobody reads them: they are forgotten
  globalThis.fetch = real.fetch;
  Date.now = real.now;
});

function watch(address = `/api/${++named}`): string {
  leave.push(watchEntry(address, 0, () => undefined));
  return address;
}

const at = (i: number): Asked => asked[i] ?? assert.fail(`${i} was not asked`);

test('what is on its way is not asked for twice', async () => {
  const address = watch();
  refresh((a) => a === address);
  assert.equal(asked.length, 1);
  await at(0).answer({ n: 1 });
  assert.deepEqual(readEntry(address).data, { n: 1 });
});

test('after a change it is: what was on its way may have been answered before', async () => {
  const address = watch();
  refresh((a) => a === address, true);
  assert.deepEqual(asked.map((a) => a.isAborted()), [true, false]);
  await at(0).answer({ role: 'before' });
  assert.equal(readEntry(address).data, undefined);
  assert.equal(readEntry(address).problem, null);
  await at(1).answer({ role: 'after' });
  assert.deepEqual(readEntry(address).data, { role: 'after' });
  assert.equal(readEntry(address).isLoading, false);
});

test('it waits for what somebody reads, until no answer can come any more', async () => {
  assert.equal(isWaiting(), false);
  const address = watch();
  assert.equal(isWaiting(), true);
  Date.now = () => real.now() + 61_000;
  assert.equal(isWaiting(), false);
  Date.now = real.now;
  await at(0).answer({});
  assert.equal(isWaiting(), false);
  refresh((a) => a === address);
  assert.equal(isWaiting(), true);
  leave.pop()?.();
  assert.equal(isWaiting(), false);
});

test('of who was signed in nothing is kept but what is everybody’s', async () => {
  const [own, everybodys, unread] = [watch(), watch(), watch()];
  for (const a of [...asked])
    await a.answer({ of: a.address });
  leave.pop()?.();
  refresh((a) => a === own);
  forgetAll((a) => a === everybodys);
  await at(3).answer({ of: 'the former session' });
  assert.deepEqual([own, everybodys, unread].map((a) => readEntry(a).data), [undefined, { of: everybodys }, undefined]);
  assert.equal(at(3).isAborted(), true);
});
