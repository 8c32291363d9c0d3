import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyIn, looksLikeKey, withoutKeys } from './keyish.ts';

const KEY = 'ntk_0123456789ABCDEFGHIJKLMNOPQRSTUV1Xy2Zz';

test('a key is found by itself, in half, in quotes and among other words', () => {
  for (const text of [KEY, ` ${KEY} `, KEY.slice(0, 12), `Bearer ${KEY}`, `X-API-Key: ${KEY}`, `X-API-Key:${KEY}`, `"${KEY}"`, `'${KEY}'`,
    `\`${KEY}\``, `key=${KEY}&q=1`, `x_${KEY}`, `curl -H 'X-API-Key: ${KEY}' http://localhost`, `權杖${KEY}。`, KEY.toLowerCase(), KEY.toUpperCase(),
    KEY.replace('ntk', 'tgu'), KEY.replace('ntk', 'tgs'), `{"key":"${KEY}"}`])
    assert.ok(looksLikeKey(text), text);
  for (const text of ['', 'n8n', 'ntk', 'ntk_', 'ntk_0kmt', 'ntk_0kmt…', 'ntk_ 0123456789', 'crm_production', '019a9b3c-7f12-7c55-9d0e-3a7be1c2f605'])
    assert.ok(!looksLikeKey(text), text);
});

test('the key alone is taken out of what was pasted', () => {
  for (const text of [KEY, `Bearer ${KEY}`, `"${KEY}"`, `X-API-Key: ${KEY}\n`, `${KEY}.`, `${KEY}, and another`, `${KEY}-prod`, `${KEY}_2`])
    assert.equal(keyIn(text), KEY, text);
  assert.equal(keyIn('no key'), undefined);
});

test('nothing of a key stays where it is hidden', () => {
  assert.equal(withoutKeys(`/tokens?q=Bearer+${KEY}&team=${KEY}`), '/tokens?q=Bearer+***&team=***');
  assert.equal(withoutKeys(`${KEY}-${KEY}_x`), '***');
  assert.equal(withoutKeys('/tokens?q=n8n'), '/tokens?q=n8n');
});
