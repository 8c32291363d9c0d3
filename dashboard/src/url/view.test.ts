import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_RANGE } from '../time/range.ts';
import { browserZone } from '../time/zone.ts';
import { NO_FILTERS, addFilter, listFilters, removeFilter } from './filters.ts';
import type { Filter } from './filters.ts';
import { hrefOf, pageOf, settledPath } from './pages.ts';
import type { Page } from './pages.ts';
import { printView, readView } from './view.ts';
import type { View } from './view.ts';

const defaultView = (): View => ({
  range: DEFAULT_RANGE, zone: browserZone(), compare: 'previous', by: 'calls', filters: NO_FILTERS, bad: [],
});

test('defaults are left out, and an empty address is all defaults', () => {
  assert.equal(printView(defaultView()).toString(), '');
  assert.deepEqual(readView(''), defaultView());
});

test('what stands in an address comes back the same', () => {
  const addresses = [
    `range=7d&zone=Asia%2FTaipei`, `from=2026-11-01&to=2026-11-05&zone=Asia%2FKolkata`,
    `range=today&zone=America%2FNew_York&compare=week_before&by=errors`,
    `range=7d&zone=Asia%2FTaipei&token=3&token=7&route=%2Fapi%2Fopenai&team=2&status=503&outcome=client_abort&method=POST&address=192.0.2.0%2F24&min_ms=500`,
    `from=2026-11-01T00%3A00%3A00.000Z&to=2026-11-02T00%3A00%3A00.000Z&zone=Asia%2FTaipei&class=5xx`,
  ];
  for (const address of addresses) {
    const view = readView(`?${address}`);
    assert.deepEqual(view.bad, [], address);
    assert.equal(printView(view).toString(), address);
  }
});

test('what means nothing is named, and passed over', () => {
  const view = readView('?range=9y&zone=Mars/Olympus&compare=x&by=y&status=9&class=abc&token=1e5&min_ms=-1&method=get&address=x y&route=api');
  assert.deepEqual([view.range, view.compare, view.by, view.filters], [defaultView().range, 'previous', 'calls', NO_FILTERS]);
  assert.equal(view.zone, browserZone());
  assert.equal(view.bad.length, 11);
});

test('a key is neither a filter nor told', () => {
  const key = 'ntk_0123456789ABCDEFGHIJKLMNOPQRSTUV1Xy2Zz';
  const view = readView(`?route=/api/${key}&route=/api/a&range=${key}&zone=${key}&from=${key}&by=Bearer+${key}`);
  assert.deepEqual(view.filters, { ...NO_FILTERS, route: ['/api/a'] });
  assert.deepEqual(view.bad, ['zone=***', 'from=***&to=', 'range=***', 'by=Bearer ***', 'route=/api/***']);
});

test('a fixed range that cannot be falls back to the default one', () => {
  for (const address of ['?from=2026-11-05&to=2026-11-01', '?from=2026-11-05', '?to=2026-11-05', '?from=x&to=y', '?from=2025-01-01&to=2026-01-01']) {
    const view = readView(address);
    assert.deepEqual(view.range, defaultView().range, address);
    assert.equal(view.bad.length, 1, address);
  }
});

test('filters are added once and taken away', () => {
  const all: Filter[] = [{ name: 'token', value: '3' }, { name: 'token', value: '7' }, { name: 'route', value: '/api/a' },
    { name: 'team', value: '2' }, { name: 'status', value: '503' }, { name: 'min_ms', value: '0' }, { name: 'method', value: 'POST' }];
  let f = NO_FILTERS;
  for (const one of [...all, ...all])
    f = addFilter(f, one);
  assert.deepEqual(listFilters(f).length, all.length);
  for (const one of all)
    f = removeFilter(f, one);
  assert.deepEqual(f, NO_FILTERS);
});

test('pages and their addresses', () => {
  const pages: [string, Page][] = [
    ['/dashboard', { name: 'dashboard' }], ['/usage-analytics', { name: 'analytics' }], ['/token-usage/12', { name: 'token', id: 12 }],
    ['/tokens', { name: 'tokens' }], ['/teams/3', { name: 'team', id: 3 }], ['/users/4', { name: 'user', id: 4 }], ['/sign-in', { name: 'signIn' }],
  ];
  for (const [path, page] of pages) {
    assert.deepEqual(pageOf(path, ''), page);
    assert.equal(hrefOf(page), path);
  }
  assert.deepEqual(pageOf('/route-usage', '?path=%2Fapi%2Fa%20b'), { name: 'route', path: '/api/a b' });
  assert.deepEqual(pageOf('/route-usage', ''), { name: 'route', path: '' });
  assert.deepEqual(pageOf('/route-usage', '?path=/ntk_0123456789ABCDEF'), { name: 'route', path: '/***' });
  assert.equal(hrefOf({ name: 'route', path: '/api/a&b' }), '/route-usage?path=%2Fapi%2Fa%26b');
  assert.deepEqual(pageOf('/', ''), { name: 'dashboard' });
  assert.deepEqual(pageOf('/tokens/', ''), { name: 'tokens' });
  for (const [path, settled] of [['/tokens/12', '/token-usage/12'], ['/tokens/12/', '/token-usage/12'], ['/tokens', '/tokens'], ['/tokens/', '/tokens/'],
    ['/tokens/x', '/tokens/x'], ['/tokens/0', '/tokens/0'], ['/tokens/12/3', '/tokens/12/3'], ['/teams/12', '/teams/12']] as const)
    assert.equal(settledPath(path), settled);
  for (const path of ['/nothing', '/token-usage/', '/token-usage/0', '/token-usage/x', '/token-usage/99999999999999999999', '/teams/-1', '//'])
    assert.equal(pageOf(path, '').name === 'missing' || path === '//', true, path);
});
