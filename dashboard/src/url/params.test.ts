import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AN_ID, ANY_TEXT, printParams, readParams } from './params.ts';

const KEY = 'ntk_0123456789ABCDEFGHIJKLMNOPQRSTUV1Xy2Zz';
const SHAPES = { q: ANY_TEXT, state: /^(active|disabled)$/, team: AN_ID } as const;

test('what fits is taken, what does not is named', () => {
  for (const [text, params, bad] of [
    ['', {}, []],
    ['?q=ada&state=active', { q: 'ada', state: 'active' }, []],
    ['?q=&state=', {}, []],
    ['?state=gone&team=07&other=1', {}, ['state=gone', 'team=07']],
    ['?q=%E5%9C%98%E9%9A%8A&team=12', { q: '團隊', team: '12' }, []],
    ['?q=a%00b', {}, ['q=a\u0000b']],
    [`?q=Bearer+${KEY}&state=${KEY}`, {}, ['q=Bearer ***', 'state=***']],
  ] as const)
    assert.deepEqual(readParams(text, SHAPES), { params, bad });
});

test('printed in one order, defaults left out, and read again', () => {
  assert.equal(printParams({}, SHAPES), '');
  assert.equal(printParams({ q: `"${KEY}"`, team: '3' }, SHAPES), '?team=3');
  assert.equal(printParams({ team: '3', q: 'a b&c' }, SHAPES), '?q=a+b%26c&team=3');
  assert.deepEqual(readParams(printParams({ q: 'a b&c', state: 'active' }, SHAPES), SHAPES).params, { q: 'a b&c', state: 'active' });
});
