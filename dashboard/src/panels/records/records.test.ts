import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NO_FILTERS } from '@/url/filters.ts';
import { liveFilter } from '../live/liveFilter.ts';
import { draftFaults, draftOf, filtersOf } from './draft.ts';
import { OUTCOMES } from './outcomes.ts';
import { timeParts } from './timeSplit.ts';

test('the parts of a time add up to it', () => {
  for (const [gateway_ms, upstream_ms, client_ms] of [[1, 810, 1], [0, 0, 0], [5, 0, 0], [0, 30_000, 12]] as const) {
    const parts = timeParts({ gateway_ms, upstream_ms, client_ms });
    const total = gateway_ms + upstream_ms + client_ms;
    assert.equal(parts.reduce((sum, p) => sum + p.ms, 0), total);
    const share = parts.reduce((sum, p) => sum + p.share, 0);
    assert.ok(total === 0 ? share === 0 : Math.abs(share - 1) < 1e-9);
  }
});

test('outcomes are those of the gateway', () => {
  const text = readFileSync(new URL('../../gateway/journal/outcomes.def', import.meta.url), 'utf8');
  assert.deepEqual([...OUTCOMES].sort(), [...text.matchAll(/^OUTCOME\("(\w+)"/gm)].map((m) => m[1]).sort());
});

test('a draft of filters becomes filters, and back', () => {
  const filters = { ...NO_FILTERS, token: [3, 7], route: ['/api/a'], team: [2], status: 503, method: 'POST', min_ms: 20 };
  assert.deepEqual(filtersOf(draftOf(filters), filters), filters);
  assert.deepEqual(filtersOf({ ...draftOf(filters), status: ' ', token: '3, 9', min_ms: '' }, filters),
    { ...NO_FILTERS, token: [3, 9], route: ['/api/a'], team: [2], method: 'POST' });
});

test('what cannot be a filter is named', () => {
  const draft = draftOf(NO_FILTERS);
  assert.deepEqual(draftFaults(draft), []);
  assert.deepEqual(draftFaults({ ...draft, status: '5xx', address: '10.0.0.0/8', min_ms: '-1', route: 'api', token: '1 2' }),
    ['status', 'min_ms', 'route']);
  assert.deepEqual(draftFaults({ ...draft, status: '404 500' }), ['status']);
});

test('a live list asks for what the page is about, and its filters', () => {
  assert.equal(liveFilter(NO_FILTERS, {}), '');
  assert.equal(liveFilter({ ...NO_FILTERS, class: '5xx', token: [1] }, {}), 'token=1&class=5xx');
  assert.equal(liveFilter({ ...NO_FILTERS, token: [1], route: ['/api/a'], min_ms: 5 }, { token: 2 }), 'token=2&route=%2Fapi%2Fa&min_ms=5');
  assert.equal(liveFilter({ ...NO_FILTERS, route: ['/api/a'] }, { route: '/api/b' }), 'route=%2Fapi%2Fb');
});
