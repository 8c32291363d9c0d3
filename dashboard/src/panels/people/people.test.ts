import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '@/api/problem.ts';
import { texts as en } from '@/text/en/texts.ts';
import { texts as zh } from '@/text/zh-TW/texts.ts';
import { formatOf } from '@/text/format.ts';
import { browserName } from './browserName.ts';
import { bodyOfTeam, boundsInWords, changesOfTeam, draftOfTeam, EMPTY_TEAM, isBadLife } from './ceiling.ts';
import { told } from './faults.ts';
import { lifetimeOf, secondsOf } from './lifetime.ts';

test('a life is told by the largest unit that fits', () => {
  for (const [seconds, n, unit] of [[1, 1, 's'], [90, 90, 's'], [120, 2, 'm'], [5400, 90, 'm'], [7200, 2, 'h'], [86_400, 1, 'd'],
    [90 * 86_400, 90, 'd'], [86_400 + 3600, 25, 'h']] as const) {
    assert.deepEqual(lifetimeOf(seconds), { n, unit });
    assert.equal(secondsOf(String(n), unit), seconds);
  }
  for (const text of ['', '0', '-1', '1.5', 'x', '1e3', '99999999999'])
    assert.equal(secondsOf(text, 'd'), null);
});

test('bounds in words', () => {
  const bounds = { scopes_most: ['openai', 'test'], lifetime_most_s: 90 * 86_400, address_ranges_most: ['10.0.0.0/8'] };
  assert.deepEqual(boundsInWords(bounds, en.people.teams, formatOf('en', 'UTC')), ['Scopes openai and test', 'Up to 90 days', 'From 10.0.0.0/8']);
  assert.deepEqual(boundsInWords(bounds, zh.people.teams, formatOf('zh-TW', 'UTC')), ['權限範圍 openai和test', '最長 90 天', '來自 10.0.0.0/8']);
  const none = { scopes_most: null, lifetime_most_s: null, address_ranges_most: null };
  assert.deepEqual(boundsInWords(none, en.people.teams, formatOf('en', 'UTC')), []);
  assert.deepEqual(boundsInWords({ ...none, scopes_most: [], lifetime_most_s: 1 }, en.people.teams, formatOf('en', 'UTC')), ['No scopes', 'Up to one second']);
});

test('a team as a form has it, and only what differs is sent', () => {
  const team = { name: 'one', scopes_most: ['a'], lifetime_most_s: 3600, address_ranges_most: null };
  const draft = draftOfTeam(team);
  assert.deepEqual(draft, { name: 'one', limitsScopes: true, scopes: ['a'], life: '1', unit: 'h', ranges: '' });
  assert.deepEqual(changesOfTeam(team, draft), {});
  assert.deepEqual(changesOfTeam(team, { ...draft, limitsScopes: false, life: '', ranges: '10.0.0.0/8,\n::1' }),
    { scopes_most: null, lifetime_most_s: null, address_ranges_most: ['10.0.0.0/8', '::1'] });
  assert.deepEqual(bodyOfTeam({ ...EMPTY_TEAM, name: ' x ' }), { name: 'x', scopes_most: null, lifetime_most_s: null, address_ranges_most: null });
  assert.equal(isBadLife({ ...EMPTY_TEAM, life: 'soon' }), true);
  assert.equal(isBadLife(EMPTY_TEAM), false);
});

test('faults stand at their fields; others are told below', () => {
  const problem = (errors: { pointer?: string; detail: string }[]): Problem => new Problem({ code: 'invalid_field', status: 400, detail: 'd', errors });
  assert.deepEqual(told(null, ['name']), { at: {}, rest: false });
  assert.deepEqual(told(problem([]), ['name']), { at: {}, rest: true });
  assert.deepEqual(told(problem([{ pointer: '#/name', detail: 'a.' }, { pointer: '#/name', detail: 'b.' }]), ['name']), { at: { name: 'a. b.' }, rest: false });
  assert.deepEqual(told(problem([{ pointer: '#/scopes_most/1', detail: 'no.' }, { pointer: '#/other', detail: 'x' }]), ['scopes_most']), { at: { scopes_most: 'no.' }, rest: true });
});

test('browsers by their names', () => {
  const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
  for (const [agent, browser, system] of [
    [chrome, 'Chrome', 'Linux'], [`${chrome} Edg/142.0`, 'Edge', 'Linux'], [chrome.replace('X11; Linux x86_64', 'Linux; Android 15'), 'Chrome', 'Android'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15', 'Safari', 'macOS'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 CriOS/142.0 Mobile Safari/604.1', 'Chrome', 'iOS'],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0', 'Firefox', 'Windows'],
    ['curl/8.14.1', 'curl', null], ['something', null, null], [null, null, null],
  ] as const)
    assert.deepEqual(browserName(agent), { browser, system });
});
