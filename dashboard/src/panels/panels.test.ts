import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '../api/call.ts';
import { ticksOf } from '../charts/series.ts';
import type { TimeRow } from '../charts/series.ts';
import { callHref, isOurId } from './callHref.ts';
import { askOf, curlOf } from './commands.ts';
import { csvOf } from './csv.ts';
import { isBehind, lags } from './trust.ts';

test('CSV: numbers bare, quotes doubled, formulas made harmless, unknown empty', () => {
  const text = csvOf(['name', 'calls'], [['a "b", c', 3], ['=1+1', null], ['@x', 0.5], ['-2', undefined], ['權杖', 7]]);
  assert.equal(text, '\uFEFF"name","calls"\r\n"a ""b"", c",3\r\n"\'=1+1",\r\n"\'@x",0.5\r\n"\'-2",\r\n"權杖",7\r\n');
});

test('the same question for a shell: quoted, without a key', () => {
  const address = "/api/usage/stats?from=2026-11-01T00%3A00%3A00.000Z&zone=Asia%2FTaipei&token=3&token=7&route=%2Fapi%2Fit's&by=errors";
  assert.equal(askOf(address),
    "tollgate usage ask stats --from '2026-11-01T00:00:00.000Z' --zone 'Asia/Taipei' --by 'errors' --tokens '3,7' --routes '/api/it'\\''s'");
  assert.equal(askOf('/api/usage/token/12?zone=UTC'), "tollgate usage ask token --zone 'UTC' --tokens '12'");
  assert.equal(askOf('/api/usage/route?path=%2Fapi%2Fa'), "tollgate usage ask route --routes '/api/a'");
  assert.equal(askOf('/api/usage/logs?class=5xx&min_ms=10'), "tollgate usage ask rows --status '5xx' --min-ms '10'");
  assert.equal(curlOf("/api/x?a='", 'http://h'), `curl -H "Authorization: Bearer $TOLLGATE_ADMIN_KEY" 'http://h/api/x?a='\\'''`);
});

test('an address of the API: lists repeated, what is not there left out', () => {
  assert.equal(addressOf('/api/tokens/{id}', { id: 7 }, null), '/api/tokens/7');
  assert.equal(addressOf('/api/x', null, { a: ['1', '/b'], c: undefined, d: '', e: 0, f: false }), '/api/x?a=1&a=%2Fb&e=0&f=false');
  assert.equal(addressOf('/api/users/{id}', { id: 'a/b' }, {}), '/api/users/a%2Fb');
});

test('where a record is shown', () => {
  const ours = '01a22793-6e94-767f-81ae-294f24d11a88';
  assert(isOurId(ours));
  assert(!isOurId('01a22793-6e94-467f-81ae-294f24d11a88'));
  assert(!isOurId('abc'));
  assert.equal(callHref({ request_id: ours, token_id: 3, route_path: '/a' }), `/token-usage/3?call=${ours}`);
  assert.equal(callHref({ request_id: ours, token_id: null, route_path: '/a' }), `/route-usage?path=%2Fa&call=${ours}`);
  assert.equal(callHref({ request_id: ours, token_id: null, route_path: null }), null);
  assert.equal(callHref({ request_id: null, token_id: 3, route_path: '/a' }), null);
});

const hours = (from: string, n: number): TimeRow[] => Array.from({ length: n }, (_, i) => {
  const text = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
  const start = Date.parse(from) + i * 3_600_000;
  return { at: text(start), until: text(start + 3_600_000), complete: true, values: {} };
});

test('a time axis: all points of a day, midnights of several', () => {
  assert.equal(ticksOf(hours('2026-11-28T14:00:00Z', 24)).isDays, false);
  assert.equal(ticksOf(hours('2026-11-28T14:00:00Z', 24)).ticks.length, 24);
  const week = ticksOf(hours('2026-11-22T14:00:00Z', 168));
  assert.equal(week.isDays, true);
  assert.equal(week.ticks.length, 7);
  assert(week.ticks.every((at) => at.slice(11, 16) === '00:00'));
  assert.deepEqual(ticksOf([]), { ticks: [], isDays: false });
});

test('only who should have calls by now lags', () => {
  const now = new Date('2026-11-29T14:00:00Z');
  const to = (end: string, as_of: string | null) => ({ to: end, as_of });
  assert.equal(lags(to('2026-11-29T22:15:00+08:00', '2026-11-29T13:59:50Z'), now), false);
  assert.equal(lags(to('2026-11-29T22:15:00+08:00', '2026-11-29T13:58:50Z'), now), true);
  assert.equal(lags(to('2026-11-29T00:00:00+08:00', '2026-11-29T13:00:00Z'), now), false); // yesterday's are all there
  assert.equal(lags(to('2026-11-29T22:15:00+08:00', null), now), false); // nothing was ever recorded
  assert.equal(isBehind(to('2026-11-29T00:00:00+08:00', '2026-11-28T16:00:00Z')), false);
  assert.equal(isBehind(to('2026-11-29T00:00:00+08:00', '2026-11-28T15:59:59Z')), true);
  assert.equal(isBehind(to('2026-11-29T00:00:00+08:00', null)), true);
});
