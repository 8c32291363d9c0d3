import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownKeyFault } from './ownKey.ts';

test('what is no gateway key is not sent', () => {
  assert.equal(ownKeyFault(' ntk_0123456789ABCDEFGHIJKLMNOPQRSTUV1Xy2Zz '), null);
  assert.equal(ownKeyFault('imported-key:of-any-shape'), null);
  assert.equal(ownKeyFault('tgu_0123456789ABCDEFGHIJKLMNOPQRSTUV1Xy2Zz'), 'personal');
  for (const text of ['', 'short', 'two words here', 'schlüssel-mit-umlaut', 'x'.repeat(513)])
    assert.equal(ownKeyFault(text), 'wrong');
});
