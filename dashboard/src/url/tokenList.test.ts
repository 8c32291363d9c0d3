import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_TOKENS, isFiltered, printTokenList, readTokenList, withoutFilters } from './tokenList.ts';

test('a list of tokens comes back from its address; defaults are left out', () => {
  assert.deepEqual(readTokenList(''), ALL_TOKENS);
  assert.equal(printTokenList(ALL_TOKENS), '');
  const all = { ...ALL_TOKENS, q: 'n8n: ä', state: 'expired', team: 'none', scope: 'a/b:c', unusedDays: 90, expiresDays: 14, sort: 'name', by: 'errors' } as const;
  assert.deepEqual(readTokenList(printTokenList(all)), all);
});

test('what means nothing is named and passed over', () => {
  const list = readTokenList('state=gone&team=x&scope=a%20b&unused_days=0&expires_days=99999&sort=id&by=cost&q=ok');
  assert.deepEqual({ ...list, bad: [] }, { ...ALL_TOKENS, q: 'ok' });
  assert.deepEqual(list.bad, ['state=gone', 'team=x', 'scope=a b', 'unused_days=0', 'expires_days=99999', 'sort=id', 'by=cost']);
});

test('a key is neither read, named nor printed', () => {
  const key = 'ntk_0123456789ABCDEFGHIJKLMNOPQRSTUV1Xy2Zz';
  const list = readTokenList(`q=Bearer ${key}&team=${key}`);
  assert.equal(list.q, '');
  assert.deepEqual(list.bad, ['q=Bearer ***', 'team=***']);
  assert.equal(printTokenList({ ...ALL_TOKENS, q: `Bearer ${key}` }), '');
});

test('order and ranking take nothing away', () => {
  assert.ok(!isFiltered({ ...ALL_TOKENS, sort: 'name', by: 'calls' }));
  assert.ok(isFiltered({ ...ALL_TOKENS, state: 'all' }));
  assert.deepEqual(withoutFilters({ ...ALL_TOKENS, q: 'x', team: '3', sort: 'name' }), { ...ALL_TOKENS, sort: 'name' });
});
