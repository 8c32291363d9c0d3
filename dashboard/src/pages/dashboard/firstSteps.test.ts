import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areDone, asksFor, isOld, stepsOf } from './firstSteps.ts';

const NOW = new Date('2026-11-29T12:00:00Z');
const OWN = [{ replaced: true }, { replaced: false }];
const MOCKS = [{ replaced: true }];

test('a view asks for one thing, and for none where all is known', () => {
  assert.equal(asksFor('tokens', undefined, NOW), null);
  assert.equal(asksFor('tokens', null, NOW), 'tokens');
  assert.equal(asksFor('routes', null, NOW), 'routes');
  assert.equal(asksFor('tokens', '2026-11-29T11:00:00Z', NOW), 'routes');
  assert.equal(asksFor('tokens', '2026-11-01T11:00:00Z', NOW), null);
  assert.equal(asksFor('done', null, NOW), null);
});

test('steps tick themselves off', () => {
  assert.deepEqual(stepsOf(false, null, undefined), { token: false, call: false, upstream: false });
  assert.deepEqual(stepsOf(true, null, MOCKS), { token: true, call: false, upstream: false });
  assert.deepEqual(stepsOf(false, '2026-11-29T11:00:00Z', MOCKS), { token: true, call: true, upstream: false });
  assert.ok(areDone(stepsOf(false, '2026-11-29T11:00:00Z', OWN)));
});

test('after a week of calls nobody needs them', () => {
  assert.equal(isOld('2026-11-22T11:59:59Z', NOW), true);
  assert.equal(isOld('2026-11-23T12:00:00Z', NOW), false);
  assert.equal(isOld(null, NOW), false);
});
