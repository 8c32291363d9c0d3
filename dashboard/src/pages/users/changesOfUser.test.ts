import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesOfUser } from './changesOfUser.ts';

test('only what differs is sent; an empty address clears it', () => {
  const ada = { name: 'ada', email: 'ada@example.com', is_admin: true };
  for (const [draft, changes] of [
    [{ name: 'ada ', email: 'ada@example.com', isAdmin: true }, {}],
    [{ name: 'Ada', email: '', isAdmin: true }, { name: 'Ada', email: null }],
    [{ name: 'ada', email: 'a@example.com', isAdmin: false }, { email: 'a@example.com', is_admin: false }],
  ] as const)
    assert.deepEqual(changesOfUser(ada, draft), changes);
  assert.deepEqual(changesOfUser({ name: 'x' }, { name: 'x', email: '', isAdmin: false }), {});
});
