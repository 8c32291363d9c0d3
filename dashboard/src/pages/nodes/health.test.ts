import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageLevel, faultsOf, journalLevel } from './health.ts';

type Node = Parameters<typeof faultsOf>[0][number];
const NOW = new Date('2026-11-29T12:00:00Z');

function node(name: string, of: { state?: 'live' | 'silent'; newest?: boolean; age?: number | null; oldest?: string | null; dropped?: number; version?: string } = {}): Node {
  return {
    name, version: of.version ?? '1.0', state: of.state ?? 'live',
    tokens: { generation: 4, newest: of.newest === false ? 5 : 4, is_newest: of.newest !== false, applied_at: NOW.toISOString(), age_ms: of.age === undefined ? 200 : of.age },
    usage: { waiting_bytes: 0, oldest_at: of.oldest ?? null, dropped: of.dropped ?? 0 },
  };
}

test('levels of age and of what waits', () => {
  for (const [age, level] of [[null, 'good'], [0, 'good'], [14_999, 'good'], [15_000, 'warn'], [59_999, 'warn'], [60_000, 'bad']] as const)
    assert.equal(ageLevel(node('a', { age })), level, String(age));
  for (const [oldest, level] of [[null, 'good'], ['2026-11-29T11:59:30Z', 'good'], ['2026-11-29T11:59:00Z', 'warn'], ['2026-11-29T11:50:00Z', 'bad']] as const)
    assert.equal(journalLevel(node('a', { oldest }), NOW), level, String(oldest));
});

test('faults name each node once; a silent one is not told to lag', () => {
  assert.deepEqual(faultsOf([node('a'), node('b')]), { silent: [], lagging: [], dropping: [], versions: [] });
  assert.deepEqual(faultsOf([node('a', { state: 'silent', newest: false }), node('b', { newest: false }), node('b', { age: 20_000 }), node('c', { dropped: 1, version: '1.1' })]),
    { silent: ['a'], lagging: ['b'], dropping: ['c'], versions: ['1.0', '1.1'] });
});
