// Days of a zone, and which of them are longer or shorter than 24 hours.
import { TZDate } from '@date-fns/tz';
import { addDays, startOfDay } from 'date-fns';

export interface Day { at: Date; until: Date; hours: number }

// The day in which `at` lies, midnight to midnight on the zone's clock.
export function dayOf(at: Date, zone: string): Day {
  const start = startOfDay(new TZDate(at, zone));
  const end = startOfDay(addDays(start, 1));
  return {
    at: new Date(start.getTime()), until: new Date(end.getTime()),
    hours: (end.getTime() - start.getTime()) / 3_600_000,
  };
}

// Days that a range touches whose clocks change.
export function oddDays(from: Date, to: Date, zone: string): Day[] {
  const found: Day[] = [];
  for (let day = dayOf(from, zone); day.at < to; day = dayOf(day.until, zone))
    if (day.hours !== 24)
      found.push(day);
  return found;
}

// As a date-time field of a form has it: "2026-11-24T12:30".
export function localText(at: Date, zone: string): string {
  const d = new TZDate(at, zone);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}`;
}

// So many days after an instant, on the zone's clock.
export const daysAfter = (at: Date, days: number, zone: string): Date =>
  new Date(addDays(new TZDate(at, zone), days).getTime());
