import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatOf } from './format.ts';
import { chooseLanguage, langAttribute } from './language.ts';

const en = formatOf('en', 'UTC');
const zh = formatOf('zh-TW', 'Asia/Taipei');

test('counts: short, and exact', () => {
  const table: [number, string, string][] = [
    [0, '0', '0'], [7, '7', '7'], [999, '999', '999'], [1234, '1.2K', '1234'], [123_456_789, '123.5M', '1.2億'], [1e9, '1B', '10億'],
  ];
  for (const [n, inEnglish, inChinese] of table) {
    assert.equal(en.count(n).toUpperCase(), inEnglish.toUpperCase());
    assert.equal(zh.count(n), inChinese);
  }
  assert.equal(en.exact(123_456_789), '123,456,789');
});

test('100 % only without any error, 0 % only without any success', () => {
  assert.equal(en.percent(1), '100%');
  assert.equal(en.percent(0), '0%');
  assert.equal(en.percent(0.999_999_9), '99.99%');
  assert.equal(en.percent(0.9995), '99.95%');
  assert.equal(en.percent(0.5), '50%');
  assert.notEqual(en.percent(0.000_000_1), '0%');
});

test('times take the unit that fits', () => {
  const table: [number, string][] = [[0, '0 ms'], [0.4, '0.4 ms'], [9.94, '9.9 ms'], [212.4, '212 ms'], [999.4, '999 ms'],
    [999.6, '1 s'], [3400, '3.4 s'], [99_900, '99.9 s'], [120_000, '2 min']];
  for (const [ms, expected] of table)
    assert.equal(en.ms(ms), expected);
});

test('sizes and money', () => {
  assert.match(en.bytes(0), /^0/);
  assert.match(en.bytes(946), /^946/);
  assert.match(en.bytes(1_500_000), /^1\.5/);
  assert.equal(en.money(12), '12.00');
  assert.equal(en.money(0.0025), '0.0025');
});

test('how long ago takes the largest whole unit', () => {
  const now = new Date('2026-11-29T12:00:00Z');
  const before = (ms: number): string => en.ago(new Date(now.getTime() - ms), now);
  assert.equal(before(0), 'now');
  assert.match(before(59_000), /59 sec/);
  assert.match(before(240_000), /4 min/);
  assert.match(before(3_600_000 * 23), /23 h/);
  assert.match(before(86_400_000 * 45), /45 days/);
  assert.match(en.ago(new Date(now.getTime() + 86_400_000 * 3), now), /in 3 days/);
  assert.match(zh.ago(new Date(now.getTime() - 240_000), now), /4 分鐘前/);
});

test('instants are of the zone', () => {
  const at = new Date('2026-11-29T16:05:09Z');
  assert.match(en.instant(at), /29 Nov 2026.*16:05:09/);
  assert.match(zh.instant(at), /2026年11月30日.*00:05:09/);
  assert.match(en.axis(at, 3_600_000), /^16:05$/);
  assert.match(en.axis(at, 86_400_000), /29 Nov/);
});

test('a language is Traditional Chinese or English, never Simplified', () => {
  const table: [string[], string][] = [
    [['zh-TW'], 'zh-TW'], [['zh-Hant'], 'zh-TW'], [['zh-Hant-HK'], 'zh-TW'], [['zh-HK'], 'zh-TW'], [['zh-MO'], 'zh-TW'],
    [['zh-CN'], 'en'], [['zh-Hans'], 'en'], [['zh'], 'en'], [['zh-SG'], 'en'], [['fr', 'zh-TW'], 'zh-TW'], [['en-US', 'zh-TW'], 'en'],
    [['de'], 'en'], [[], 'en'], [['zh-CN', 'zh-TW'], 'zh-TW'],
  ];
  for (const [wanted, expected] of table)
    assert.equal(chooseLanguage(wanted), expected, wanted.join());
  assert.equal(langAttribute('zh-TW'), 'zh-Hant-TW');
});
