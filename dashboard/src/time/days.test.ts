import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayOf, daysAfter, localText, oddDays } from './days.ts';
import { allZones, isZone } from './zone.ts';

const at = (text: string): Date => new Date(text);

test('days where clocks change have 23 or 25 hours', () => {
  const table: [string, string, number][] = [
    ['2026-03-08T12:00:00Z', 'America/New_York', 23], ['2026-11-01T12:00:00Z', 'America/New_York', 25],
    ['2026-04-24T12:00:00Z', 'Africa/Cairo', 23], ['2026-11-29T12:00:00Z', 'Asia/Taipei', 24],
    ['2026-04-05T03:00:00Z', 'Australia/Lord_Howe', 24.5], ['2026-11-29T12:00:00Z', 'UTC', 24],
  ];
  for (const [text, zone, hours] of table)
    assert.equal(dayOf(at(text), zone).hours, hours, `${text} ${zone}`);
});

test('a day begins at its first moment, which need not be midnight', () => {
  assert.equal(dayOf(at('2026-04-24T12:00:00Z'), 'Africa/Cairo').at.toISOString(), '2026-04-23T22:00:00.000Z');
  assert.equal(dayOf(at('2026-11-28T18:30:00Z'), 'Asia/Kolkata').at.toISOString(), '2026-11-28T18:30:00.000Z');
  assert.equal(dayOf(at('2026-11-28T18:29:59Z'), 'Asia/Kolkata').at.toISOString(), '2026-11-27T18:30:00.000Z');
});

test('odd days of a range', () => {
  const found = oddDays(at('2026-03-01T05:00:00Z'), at('2026-03-31T04:00:00Z'), 'America/New_York');
  assert.deepEqual(found.map((d) => d.at.toISOString()), ['2026-03-08T05:00:00.000Z']);
  assert.deepEqual(oddDays(at('2026-03-01T00:00:00Z'), at('2026-03-31T00:00:00Z'), 'Asia/Taipei'), []);
});

test('single days cover their range without gap or overlap', () => {
  for (const zone of ['America/New_York', 'Asia/Kolkata', 'Africa/Cairo', 'Australia/Lord_Howe', 'UTC'])
    for (let day = dayOf(at('2026-02-25T12:00:00Z'), zone), n = 0; n < 280; n++) {
      const next = dayOf(day.until, zone);
      assert.equal(next.at.getTime(), day.until.getTime(), `${zone} ${day.at.toISOString()}`);
      day = next;
    }
});

test('a form’s text, and days after an instant, on the clock of the zone', () => {
  assert.equal(localText(at('2026-11-29T16:05:59Z'), 'Asia/Taipei'), '2026-11-30T00:05');
  assert.equal(daysAfter(at('2026-03-07T17:00:00Z'), 1, 'America/New_York').toISOString(), '2026-03-08T16:00:00.000Z');
});

test('zones', () => {
  assert(isZone('Asia/Taipei'));
  assert(!isZone('Mars/Olympus'));
  assert(!isZone(''));
  assert(allZones().includes('UTC'));
});
