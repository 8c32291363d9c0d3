import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MOST_CALLS } from '@/api/live.ts';
import type { Call } from '@/api/types.ts';
import { NO_ROWS, addCalls, addGap, goOn, isError, pause } from './liveRows.ts';
import type { LiveRow, LiveRows } from './liveRows.ts';

const call = (n: number, status = 200): Call => ({
  id: n, used_at: '2026-11-29T10:00:00Z', token_id: 1, token_name: 't', route_path: '/api/a', request_method: 'GET',
  response_status: status, outcome: 'complete', error_message: null, response_time_ms: n, ttfb_ms: null, total_ms: null,
  client_wait_ms: null, upstream_status: null, bytes_in: null, bytes_out: null, ip_address: null, user_agent: null,
  request_id: null, trace_id: null, node: null, tags: null,
});
const calls = (from: number, count: number): Call[] => Array.from({ length: count }, (_, i) => call(from + i));
const shown = (s: LiveRows): (number | string)[] => s.rows.map((r: LiveRow) => (r.kind === 'call' ? r.call.id : `${r.why} ${r.count}`));

test('the latest call is the first row, whatever came together', () => {
  const s = addCalls(addCalls(NO_ROWS, calls(1, 2), 2), calls(3, 2), 2);
  assert.deepEqual(shown(s), [4, 3, 2, 1]);
  assert.equal(new Set(s.rows.map((r) => r.key)).size, 4);
});

test('rows stay as many as are shown, all are counted', () => {
  let s = NO_ROWS;
  for (let i = 0; i < 50; i++)
    s = addCalls(s, calls(i * 100, 100), 150);
  assert.equal(s.rows.length, MOST_CALLS);
  assert.equal(s.calls, 7500);
  assert.equal(shown(s)[0], 4999);
});

test('errors are counted', () => {
  const s = addCalls(NO_ROWS, [call(1), call(2, 404), call(3, 503)], 3);
  assert.equal(s.errors, 2);
  assert.equal(isError({ response_status: 200, outcome: 'client_abort' }), true);
  assert.equal(isError({ response_status: 200, outcome: null }), false);
  assert.equal(isError({ response_status: null, outcome: null }), false);
});

test('while it is paused what is shown stays; then both are one', () => {
  const before = addCalls(NO_ROWS, calls(1, 2), 2);
  const held = addCalls(pause(before), calls(3, 2), 2);
  assert.deepEqual(shown(held), [2, 1]);
  assert.equal(held.heldCount, 2);
  assert.deepEqual(shown(goOn(held)), [4, 3, 2, 1]);
  assert.equal(goOn(held).held, null);
  assert.equal(pause(held), held);
  assert.equal(goOn(before), before);
});

test('what is held is bounded too', () => {
  let s = pause(NO_ROWS);
  for (let i = 0; i < 10; i++)
    s = addCalls(s, calls(i * 100, 100), 100);
  assert.equal(s.held?.length, MOST_CALLS);
  assert.equal(s.heldCount, 1000);
});

test('gaps have their place; beside each other they are one', () => {
  let s = addGap(addCalls(NO_ROWS, calls(1, 1), 1), 'dropped', 300);
  s = addGap(s, 'dropped', 11);
  s = addCalls(s, calls(2, 1), 1);
  s = addGap(s, 'hidden', null);
  assert.deepEqual(shown(s), ['hidden null', 2, 'dropped 311', 1]);
  assert.deepEqual(shown(addGap(addGap(NO_ROWS, 'dropped', 3), 'dropped', null)), ['dropped null']);
  const paused = addGap(addGap(pause(s), 'dropped', 1), 'dropped', 2);
  assert.equal(paused.held?.length, 1);
  assert.deepEqual(shown(paused), shown(s));
});
