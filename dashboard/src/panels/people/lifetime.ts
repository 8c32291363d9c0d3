// How long a team's tokens may live, as a number of the largest unit that fits without a rest.
export const UNITS = ['d', 'h', 'm', 's'] as const;
export type Unit = (typeof UNITS)[number];
const SECONDS: Record<Unit, number> = { d: 86_400, h: 3600, m: 60, s: 1 };

export interface Lifetime { n: number; unit: Unit }

export function lifetimeOf(seconds: number): Lifetime {
  const unit = UNITS.find((u) => seconds % SECONDS[u] === 0) ?? 's';
  return { n: seconds / SECONDS[unit], unit };
}

// Null: no number from 1 on.
export function secondsOf(text: string, unit: Unit): number | null {
  const n = /^[1-9]\d{0,9}$/.test(text.trim()) ? Number(text.trim()) : null;
  return n === null ? null : n * SECONDS[unit];
}
