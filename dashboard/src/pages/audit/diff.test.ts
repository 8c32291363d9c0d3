import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffOf, nameIn, pageOfTarget, printValue } from './diff.ts';

test('only what differs', () => {
  assert.deepEqual(diffOf({ id: 1, name: 'a', scopes: ['x'], expires_at: null }, { id: 1, name: 'b', scopes: ['x'], more: null }), [{ name: 'name', before: 'a', after: 'b' }]);
  assert.deepEqual(diffOf({ scopes: ['x'] }, { scopes: ['x', 'y'] }), [{ name: 'scopes', before: ['x'], after: ['x', 'y'] }]);
  assert.deepEqual(diffOf(null, { id: 1, email: null }), [{ name: 'id', before: null, after: 1 }]);
  assert.deepEqual(diffOf({ id: 1 }, null), [{ name: 'id', before: 1, after: null }]);
  assert.deepEqual(diffOf(null, null), []);
  assert.deepEqual(diffOf({ is_admin: true }, { is_admin: false }), [{ name: 'is_admin', before: true, after: false }]);
});

test('values as texts', () => {
  for (const [value, text] of [[null, null], [undefined, null], ['', ''], ['a', 'a'], [['a', 'b'], 'a, b'], [[], '[]'], [1, '1'], [false, 'false'], [{ a: 1 }, '{"a":1}'], [[1, 'a'], '[1,"a"]']] as const)
    assert.equal(printValue(value), text);
});

test('names and pages of what was changed', () => {
  assert.equal(nameIn({ name: 'was' }, { name: 'is' }), 'is');
  assert.equal(nameIn({ name: 'was' }, null), 'was');
  assert.equal(nameIn(null, { name: '' }), null);
  const line = (target: string, target_id: string | null, after: Record<string, unknown> | null = null) => ({ target, target_id, before: null, after });
  assert.deepEqual(pageOfTarget(line('token', '12')), { name: 'token', id: 12 });
  assert.deepEqual(pageOfTarget(line('user_key', '5', { user_id: 3 })), { name: 'user', id: 3 });
  assert.equal(pageOfTarget(line('token', null)), null);
  assert.equal(pageOfTarget(line('export', 'x')), null);
});
