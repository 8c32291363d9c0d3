// A range is two things: as a reader wrote it (the last 7 days, yesterday, from 1 to 5 November), and
// resolved to instants, half open, on the clock of a zone. Days are calendar days: 23 to 25 hours long.
import { TZDate } from '@date-fns/tz';
import { addDays, addMonths, differenceInCalendarDays, startOfDay, startOfMonth, subDays, subHours } from 'date-fns';

export type WrittenRange =
  | { kind: 'last'; count: number; unit: 'h' | 'd' }
  | { kind: 'named'; name: NamedRange }
  | { kind: 'fixed'; from: string; to: string };

export type NamedRange = 'today' | 'yesterday' | 'this_month' | 'last_month';

export interface Range { from: Date; to: Date; zone: string }

export const DEFAULT_RANGE: WrittenRange = { kind: 'last', count: 24, unit: 'h' };
export const MOST_DAYS = 90;
export const PRESETS: readonly WrittenRange[] = [
  { kind: 'last', count: 1, unit: 'h' }, { kind: 'last', count: 6, unit: 'h' }, DEFAULT_RANGE,
  { kind: 'last', count: 3, unit: 'd' }, { kind: 'last', count: 7, unit: 'd' }, { kind: 'last', count: 30, unit: 'd' },
  { kind: 'last', count: 90, unit: 'd' },
  { kind: 'named', name: 'today' }, { kind: 'named', name: 'yesterday' },
  { kind: 'named', name: 'this_month' }, { kind: 'named', name: 'last_month' },
];

const NAMED: readonly NamedRange[] = ['today', 'yesterday', 'this_month', 'last_month'];
const LOCAL = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?)?$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

// "2026-11-24", "2026-11-24T12:30" on the zone's clock, or an instant with Z or an offset.
export function parseInstant(text: string, zone: string): Date | null {
  if (INSTANT.test(text))
    return valid(new Date(text));
  const m = LOCAL.test(text) ? /^(\d+)-(\d+)-(\d+)(?:T(\d+):(\d+)(?::(\d+))?)?/.exec(text) : null;
  if (!m)
    return null;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = m.slice(1).map((v) => Number(v ?? 0));
  const at = new TZDate(year, month - 1, day, hour, minute, second, zone);
  const isReal = month >= 1 && month <= 12 && at.getMonth() === month - 1 && hour < 24 && minute < 60 && second < 60;
  return isReal && at.getDate() === day ? valid(new Date(at.getTime())) : null;
}

const valid = (at: Date): Date | null => (Number.isNaN(at.getTime()) ? null : at);

// As it stands in an address: 24h, 7d, today. Null: not one of these.
export function parseWritten(text: string): WrittenRange | null {
  const named = NAMED.find((n) => n === text);
  if (named)
    return { kind: 'named', name: named };
  const m = /^(\d{1,4})([hd])$/.exec(text);
  if (!m)
    return null;
  const count = Number(m[1]);
  const unit = m[2] === 'h' ? 'h' : 'd';
  const hours = unit === 'h' ? count : count * 24;
  return count >= 1 && hours <= MOST_DAYS * 24 ? { kind: 'last', count, unit } : null;
}

export const printWritten = (r: WrittenRange): string =>
  r.kind === 'last' ? `${r.count}${r.unit}` : r.kind === 'named' ? r.name : `${r.from}..${r.to}`;

export const sameWritten = (a: WrittenRange, b: WrittenRange): boolean => printWritten(a) === printWritten(b);

function resolveNamed(name: NamedRange, now: TZDate): [Date, Date] {
  switch (name) {
    case 'today': return [startOfDay(now), now];
    case 'yesterday': return [startOfDay(subDays(now, 1)), startOfDay(now)];
    case 'this_month': return [startOfMonth(now), now];
    case 'last_month': return [startOfMonth(addMonths(startOfMonth(now), -1)), startOfMonth(now)];
  }
}

function resolveLast(r: { count: number; unit: 'h' | 'd' }, now: TZDate): [Date, Date] {
  return [r.unit === 'h' ? subHours(now, r.count) : subDays(now, r.count), now];
}

// Null: its times are none, end before they begin, or are further apart than 90 days.
export function resolveRange(r: WrittenRange, zone: string, now: Date): Range | null {
  const local = new TZDate(now, zone);
  if (r.kind !== 'fixed') {
    const [from, to] = r.kind === 'last' ? resolveLast(r, local) : resolveNamed(r.name, local);
    return { from: new Date(from.getTime()), to: new Date(Math.max(to.getTime(), from.getTime() + 1)), zone };
  }
  const from = parseInstant(r.from, zone);
  const to = parseInstant(r.to, zone);
  if (!from || !to || to <= from || daysBetween(from, to, zone) > MOST_DAYS)
    return null;
  return { from, to, zone };
}

export const daysBetween = (from: Date, to: Date, zone: string): number =>
  differenceInCalendarDays(new TZDate(to, zone), new TZDate(from, zone));

// What lies before or behind it, as long. What would lie ahead of now ends now.
export function shiftRange(r: Range, by: -1 | 1, now: Date): Range {
  const isWholeDays = [r.from, r.to].every((at) => startOfDay(new TZDate(at, r.zone)).getTime() === at.getTime());
  const days = daysBetween(r.from, r.to, r.zone);
  const move = (at: Date): Date => new Date(isWholeDays
    ? addDays(new TZDate(at, r.zone), by * days).getTime()
    : at.getTime() + by * (r.to.getTime() - r.from.getTime()));
  const [from, to] = [move(r.from), move(r.to)];
  const ahead = Math.max(0, to.getTime() - now.getTime());
  return isWholeDays && ahead === 0
    ? { from, to, zone: r.zone }
    : { from: new Date(from.getTime() - ahead), to: new Date(to.getTime() - ahead), zone: r.zone };
}

export const fixRange = (r: Range): WrittenRange =>
  ({ kind: 'fixed', from: r.from.toISOString(), to: r.to.toISOString() });
