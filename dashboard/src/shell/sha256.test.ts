import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256Hex } from './sha256.ts';

test('SHA-256, at the borders of its blocks', async () => {
  assert.equal(sha256Hex(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.equal(sha256Hex('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  for (const n of [1, 42, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000]) {
    const text = 'ntk_é權'.repeat(n).slice(0, n);
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
    assert.equal(sha256Hex(text), [...new Uint8Array(hash)].map((b) => b.toString(16).padStart(2, '0')).join(''), String(n));
  }
});
