import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOfGrant } from './grant.ts';
import type { Grant } from './grant.ts';

const NEW: Grant = { as: 'new', user: '', name: '', email: '', isAdmin: false, team: '', role: 'viewer' };

test('access, as it is sent', () => {
  for (const [grant, body] of [
    [NEW, {}],
    [{ ...NEW, name: ' Ada ', email: 'ada@example.com', isAdmin: true }, { name: 'Ada', email: 'ada@example.com', is_admin: true }],
    [{ ...NEW, name: 'Ada', team: '7', role: 'manager' }, { name: 'Ada', team_id: 7, role: 'manager' }],
    [{ ...NEW, as: 'existing', user: '3', name: 'left over', isAdmin: true }, { user_id: 3 }],
    [{ ...NEW, as: 'existing', user: '3', team: '7' }, { user_id: 3, team_id: 7, role: 'viewer' }],
  ] as const)
    assert.deepEqual(bodyOfGrant(grant), body);
});
