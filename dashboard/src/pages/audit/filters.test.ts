import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partsOf, questionOf } from './filters.ts';

test('times on a clock become instants; what is none is named', () => {
  assert.deepEqual(questionOf({ action: 'token.revoked', from: '2026-11-29T08:00' }, 'Asia/Taipei'),
    { query: { action: 'token.revoked', from: '2026-11-29T00:00:00.000Z' }, bad: [] });
  assert.deepEqual(questionOf({ to: '2026-11-29T08:00:00+08:00' }, 'UTC'), { query: { to: '2026-11-29T00:00:00.000Z' }, bad: [] });
  assert.deepEqual(questionOf({ from: 'soon', team: '1' }, 'UTC'), { query: { team: '1' }, bad: ['from=soon'] });
  assert.deepEqual(questionOf({ to: 'tgu_0123456789ABCDEF' }, 'UTC'), { query: {}, bad: ['to=***'] });
});

test('an action in its parts', () => {
  assert.deepEqual(partsOf('user_key.created'), ['user_key', 'created']);
  assert.deepEqual(partsOf('odd'), ['odd', '']);
});
