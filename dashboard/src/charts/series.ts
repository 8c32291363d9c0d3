// What charts draw: one array, from which the chart, its tooltip and its table are made.
export type Unit = 'count' | 'ms' | 'percent';

export interface Series {
  key: string;
  label: string;
  color: string;                 // var(--series-N); a colour keeps its meaning
  kind: 'line' | 'area' | 'bar';
  unit: Unit;
  stack?: string;                // of equal ones, on top of each other
  dashed?: boolean;
}

export interface TimeRow {
  at: string;                    // RFC 3339, on the zone's clock
  until: string;
  complete: boolean;
  values: Readonly<Record<string, number | null>>;
}

export interface Share { key: string; label: string; value: number; color: string; href?: string }

export const seriesColor = (i: number): string => `var(--series-${(i % 8) + 1})`;
export const REST_COLOR = 'var(--series-rest)';

const DAY_MS = 86_400_000;

export const stepMs = (rows: readonly TimeRow[]): number => {
  const middle = rows[Math.floor(rows.length / 2)];
  return middle ? Date.parse(middle.until) - Date.parse(middle.at) : 0;
};

const isMidnight = (at: string): boolean => at.slice(11, 16) === '00:00';

// Where the time axis has its marks: at midnights where points are shorter than a day in more than two days.
export function ticksOf(rows: readonly TimeRow[]): { ticks: string[]; isDays: boolean } {
  const first = rows[0];
  const last = rows[rows.length - 1];
  if (!first || !last)
    return { ticks: [], isDays: false };
  const isLong = Date.parse(last.until) - Date.parse(first.at) > 2 * DAY_MS;
  if (!isLong || stepMs(rows) >= DAY_MS * 0.9)
    return { ticks: rows.map((r) => r.at), isDays: isLong };
  const midnights = rows.filter((r) => isMidnight(r.at)).map((r) => r.at);
  return midnights.length > 1 ? { ticks: midnights, isDays: true } : { ticks: rows.map((r) => r.at), isDays: false };
}
