import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixRange, parseInstant, parseWritten, printWritten, resolveRange, sameWritten, shiftRange } from './range.ts';
import type { Range, WrittenRange } from './range.ts';

const iso = (r: Range | null): [string, string] | null => r && [r.from.toISOString(), r.to.toISOString()];
const at = (text: string): Date => new Date(text);

test('a range in an address: what it may be, and back', () => {
  for (const text of ['1h', '24h', '7d', '90d', '2160h', 'today', 'yesterday', 'this_month', 'last_month']) {
    const r = parseWritten(text);
    assert(r, text);
    assert.equal(printWritten(r), text);
  }
  for (const text of ['', '0h', '91d', '2161h', '7', 'd', '7w', '-1d', '1.5h', '7D', ' 7d', 'tomorrow', '99999h'])
    assert.equal(parseWritten(text), null, text);
});

test('an instant: on the clock of the zone, or with its own offset', () => {
  const table: [string, string, string | null][] = [
    ['2026-11-24', 'UTC', '2026-11-24T00:00:00.000Z'],
    ['2026-11-24', 'Asia/Taipei', '2026-11-23T16:00:00.000Z'],
    ['2026-11-24T12:30', 'Asia/Kolkata', '2026-11-24T07:00:00.000Z'],
    ['2026-11-24T12:30:15', 'UTC', '2026-11-24T12:30:15.000Z'],
    ['2026-11-24T12:30:15Z', 'Asia/Taipei', '2026-11-24T12:30:15.000Z'],
    ['2026-11-24T12:30+08:00', 'UTC', '2026-11-24T04:30:00.000Z'],
    ['2026-03-08', 'America/New_York', '2026-03-08T05:00:00.000Z'],
    ['2026-03-09', 'America/New_York', '2026-03-09T04:00:00.000Z'],
    ['2026-04-24', 'Africa/Cairo', '2026-04-23T22:00:00.000Z'],
    ['2026-02-30', 'UTC', null], ['2026-13-01', 'UTC', null], ['2026-11-24T24:00', 'UTC', null], ['2026-11-24T12:60', 'UTC', null],
    ['', 'UTC', null], ['now', 'UTC', null], ['2026-11-24 12:30', 'UTC', null], ['2026-11-24T12:30+8', 'UTC', null],
  ];
  for (const [text, zone, expected] of table)
    assert.equal(parseInstant(text, zone)?.toISOString() ?? null, expected, `${text} ${zone}`);
});

test('ranges that go with the clock', () => {
  const now = at('2026-11-29T14:02:03Z');
  const table: [string, string, [string, string]][] = [
    ['24h', 'UTC', ['2026-11-28T14:02:03.000Z', '2026-11-29T14:02:03.000Z']],
    ['7d', 'Asia/Taipei', ['2026-11-22T14:02:03.000Z', '2026-11-29T14:02:03.000Z']],
    ['today', 'UTC', ['2026-11-29T00:00:00.000Z', '2026-11-29T14:02:03.000Z']],
    ['today', 'Asia/Taipei', ['2026-11-28T16:00:00.000Z', '2026-11-29T14:02:03.000Z']],
    ['yesterday', 'America/New_York', ['2026-11-28T05:00:00.000Z', '2026-11-29T05:00:00.000Z']],
    ['this_month', 'Asia/Kolkata', ['2026-10-31T18:30:00.000Z', '2026-11-29T14:02:03.000Z']],
    ['last_month', 'Europe/Berlin', ['2026-09-30T22:00:00.000Z', '2026-10-31T23:00:00.000Z']],
  ];
  for (const [text, zone, expected] of table) {
    const r = parseWritten(text);
    assert(r);
    assert.deepEqual(iso(resolveRange(r, zone, now)), expected, `${text} ${zone}`);
  }
});

test('days are calendar days where clocks change', () => {
  const week: WrittenRange = { kind: 'last', count: 1, unit: 'd' };
  assert.deepEqual(iso(resolveRange(week, 'America/New_York', at('2026-03-08T16:00:00Z'))),
    ['2026-03-07T17:00:00.000Z', '2026-03-08T16:00:00.000Z']); // noon to noon: 23 hours
  assert.deepEqual(iso(resolveRange({ kind: 'named', name: 'yesterday' }, 'America/New_York', at('2026-11-02T12:00:00Z'))),
    ['2026-11-01T04:00:00.000Z', '2026-11-02T05:00:00.000Z']); // 25 hours
});

test('at a midnight today has begun, and has an end', () => {
  const r = resolveRange({ kind: 'named', name: 'today' }, 'UTC', at('2026-11-29T00:00:00Z'));
  assert(r);
  assert(r.to > r.from);
});

test('a fixed range: in order, at most 90 days', () => {
  const fixed = (from: string, to: string): Range | null => resolveRange({ kind: 'fixed', from, to }, 'UTC', at('2026-11-29T00:00:00Z'));
  assert.deepEqual(iso(fixed('2026-11-01', '2026-11-02')), ['2026-11-01T00:00:00.000Z', '2026-11-02T00:00:00.000Z']);
  assert(fixed('2026-08-01', '2026-10-30'));
  assert.equal(fixed('2026-08-01', '2026-10-31'), null);
  assert.equal(fixed('2026-11-02', '2026-11-01'), null);
  assert.equal(fixed('2026-11-02', '2026-11-02'), null);
  assert.equal(fixed('x', '2026-11-02'), null);
});

test('the range before and behind', () => {
  const zone = 'America/New_York';
  const day = resolveRange({ kind: 'fixed', from: '2026-03-09', to: '2026-03-10' }, zone, at('2026-06-01T00:00:00Z'));
  assert(day);
  const before = shiftRange(day, -1, at('2026-06-01T00:00:00Z'));
  assert.deepEqual(iso(before), ['2026-03-08T05:00:00.000Z', '2026-03-09T04:00:00.000Z']); // 23 hours
  assert.deepEqual(iso(shiftRange(before, 1, at('2026-06-01T00:00:00Z'))), iso(day));
});

test('nothing lies ahead of now', () => {
  const now = at('2026-11-29T12:00:00Z');
  const r: Range = { from: at('2026-11-29T09:00:00Z'), to: at('2026-11-29T11:00:00Z'), zone: 'UTC' };
  assert.deepEqual(iso(shiftRange(r, 1, now)), ['2026-11-29T10:00:00.000Z', '2026-11-29T12:00:00.000Z']);
});

test('a frozen range is the same instants whoever opens it', () => {
  const r: Range = { from: at('2026-11-29T09:00:00.123Z'), to: at('2026-11-29T11:00:00Z'), zone: 'Asia/Taipei' };
  const frozen = fixRange(r);
  assert.deepEqual(iso(resolveRange(frozen, 'America/New_York', at('2026-12-24T00:00:00Z'))), iso(r));
  assert(sameWritten(frozen, fixRange(r)));
});
