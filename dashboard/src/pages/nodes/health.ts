// What is wrong with a node, by what it reported last.
import type { Node } from '@/api/types.ts';

export type Level = 'good' | 'warn' | 'bad';

// Keys are known to be right each few seconds; older than this, revoked ones may still be let in.
const AGE_WARN_MS = 15_000;
const AGE_BAD_MS = 60_000;
// Records are stored each second or so; those that wait longer pile up.
const WAITS_WARN_MS = 60_000;
const WAITS_BAD_MS = 600_000;

const levelOf = (ms: number | null, warn: number, bad: number): Level => (ms === null || ms < warn ? 'good' : ms < bad ? 'warn' : 'bad');

export const ageLevel = (n: Pick<Node, 'tokens'>): Level => levelOf(n.tokens.age_ms, AGE_WARN_MS, AGE_BAD_MS);
export const keysLevel = (n: Pick<Node, 'tokens'>): Level => (n.tokens.is_newest ? 'good' : 'warn');
export const droppedLevel = (n: Pick<Node, 'usage'>): Level => (n.usage.dropped > 0 ? 'bad' : 'good');

export function journalLevel(n: Pick<Node, 'usage'>, now: Date): Level {
  const { oldest_at } = n.usage;
  return levelOf(oldest_at === null ? null : now.getTime() - new Date(oldest_at).getTime(), WAITS_WARN_MS, WAITS_BAD_MS);
}

export interface Faults { silent: string[]; lagging: string[]; dropping: string[]; versions: string[] }

// Names of those of which something is to be told; versions where there is more than one.
export function faultsOf(nodes: readonly Pick<Node, 'name' | 'state' | 'tokens' | 'usage' | 'version'>[]): Faults {
  const names = (is: (n: (typeof nodes)[number]) => boolean): string[] => [...new Set(nodes.filter(is).map((n) => n.name))];
  const live = nodes.filter((n) => n.state === 'live');
  const versions = [...new Set(live.map((n) => n.version))].sort();
  return {
    silent: names((n) => n.state === 'silent'),
    lagging: names((n) => n.state === 'live' && (keysLevel(n) !== 'good' || ageLevel(n) !== 'good')),
    dropping: names((n) => droppedLevel(n) !== 'good'),
    versions: versions.length > 1 ? versions : [],
  };
}
