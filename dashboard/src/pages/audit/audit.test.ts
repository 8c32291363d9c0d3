import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedFields, partsOf } from './changed.ts';

test('a line shows the fields that differ', () => {
  assert.deepEqual(changedFields({ before: { name: 'a', scopes: ['x'], same: 1 }, after: { name: 'b', scopes: ['x', 'y'], same: 1, added: true } }), [
    { field: 'name', before: 'a', after: 'b' }, { field: 'scopes', before: '["x"]', after: '["x","y"]' }, { field: 'added', before: null, after: 'true' }]);
  assert.deepEqual(changedFields({ before: null, after: { name: 'a', nothing: null } }), [{ field: 'name', before: null, after: 'a' }]);
  assert.deepEqual(changedFields({ before: { name: 'a' }, after: null }), [{ field: 'name', before: 'a', after: null }]);
  assert.deepEqual(changedFields({ before: null, after: null }), []);
});

test('an action is a thing and a verb', () => {
  assert.deepEqual(partsOf('token.revoked'), { thing: 'token', verb: 'revoked' });
  assert.deepEqual(partsOf('odd'), { thing: 'odd', verb: '' });
});
