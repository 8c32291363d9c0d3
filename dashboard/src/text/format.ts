// Numbers, times and sizes as a language writes them. Only Intl, each format made once.
import type { Language } from './language.ts';

export interface Format {
  count(n: number): string;           // 123.5M, 1.2億
  exact(n: number): string;           // 123,456,789
  percent(ratio: number): string;     // 99.9 %; 100 % only where nothing is missing
  change(ratio: number): string;      // 12.3 %, whichever way
  ms(ms: number): string;             // 212 ms, 3.4 s
  money(n: number): string;
  bytes(n: number): string;
  instant(at: Date): string;          // 29 Nov 2026, 14:02:11
  minute(at: Date): string;           // 29 Nov, 14:02
  time(at: Date): string;             // 14:02:11
  day(at: Date): string;              // Sun 29 Nov 2026
  axis(at: Date, stepMs: number): string;
  ago(at: Date, now: Date): string;   // 4 min ago, in 3 days
  list(items: readonly string[]): string;
  duration(ms: number): string;       // 5 minutes
  zone: string;
  locale: string;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 1000], ['minute', 60_000], ['hour', HOUR], ['day', DAY], ['month', 30.44 * DAY], ['year', 365.25 * DAY],
];

// Largest unit of which there is at least one; months and years from two on.
function unitOf(ms: number): [Intl.RelativeTimeFormatUnit, number] {
  let best: [Intl.RelativeTimeFormatUnit, number] = ['second', 1000];
  for (const unit of UNITS)
    if (Math.abs(ms) >= unit[1] * (unit[0] === 'month' || unit[0] === 'year' ? 2 : 1))
      best = unit;
  return best;
}

const SIZES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;

function sizeOf(n: number): [number, string] {
  const power = n < 1000 ? 0 : Math.min(SIZES.length - 1, Math.floor(Math.log10(n) / 3));
  return [n / 1000 ** power, SIZES[power] ?? 'byte'];
}

// Below 100 % nothing is rounded up to it, and above 0 % nothing down to it.
function honest(ratio: number): number {
  if (ratio < 1 && ratio > 0.9999)
    return 0.9999;
  return ratio > 0 && ratio < 0.0001 ? 0.0001 : ratio;
}

const formats = new Map<string, Format>();

export function formatOf(language: Language, zone: string): Format {
  const key = `${language} ${zone}`;
  const known = formats.get(key);
  if (known)
    return known;
  const made = language === 'zh-TW' ? makeFormat('zh-TW', 'zh-TW', zone) : makeFormat('en-US', 'en-GB', zone);
  formats.set(key, made);
  return made;
}

// English has the K, M and B of the one side of an ocean, and the order of dates of the other.
function makeFormat(numbers: string, locale: string, zone: string): Format {
  const number = (o: Intl.NumberFormatOptions): Intl.NumberFormat => new Intl.NumberFormat(numbers, o);
  const date = (o: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat(locale, { timeZone: zone, hourCycle: 'h23', ...o });
  const short = number({ notation: 'compact', maximumFractionDigits: 1 });
  const whole = number({ maximumFractionDigits: 6 });
  const share = number({ style: 'percent', maximumFractionDigits: 1 });
  const fine = number({ style: 'percent', maximumFractionDigits: 2 });
  const signless = number({ style: 'percent', maximumFractionDigits: 1, signDisplay: 'never' });
  const tenth = number({ maximumFractionDigits: 1 });
  const integer = number({ maximumFractionDigits: 0 });
  const price = number({ minimumFractionDigits: 2, maximumFractionDigits: 4 });
  const unit = (value: number, name: string, digits: number): string =>
    number({ style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: digits }).format(value);
  const long = date({ year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const minute = date({ month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
  const time = date({ hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const clock = date({ hour: '2-digit', minute: '2-digit' });
  const day = date({ weekday: 'short', year: 'numeric', month: 'short', day: 'numeric' });
  const dayShort = date({ month: 'short', day: 'numeric' });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  const list = new Intl.ListFormat(locale, { type: 'conjunction' });
  const duration = (value: number): string => {
    const [name, size] = unitOf(value);
    return number({ style: 'unit', unit: name, unitDisplay: 'long', maximumFractionDigits: 0 }).format(Math.round(value / size));
  };
  return {
    count: (n) => short.format(n),
    exact: (n) => whole.format(n),
    percent: (r) => ((r > 0.99 && r < 1) || (r > 0 && r < 0.01) ? fine : share).format(honest(r)),
    change: (r) => signless.format(r),
    ms: (ms) => (ms < 999.5 ? `${(ms < 9.95 ? tenth : integer).format(ms)} ms`
      : ms < 99_950 ? `${tenth.format(ms / 1000)} s` : `${tenth.format(ms / 60_000)} min`),
    money: (n) => price.format(n),
    bytes: (n) => { const [value, name] = sizeOf(n); return unit(value, name, value < 10 ? 1 : 0); },
    instant: (at) => long.format(at),
    minute: (at) => minute.format(at),
    time: (at) => time.format(at),
    day: (at) => day.format(at),
    axis: (at, stepMs) => (stepMs < DAY * 0.9 ? clock : dayShort).format(at),
    ago: (at, now) => {
      const [name, size] = unitOf(at.getTime() - now.getTime());
      return relative.format(Math.trunc((at.getTime() - now.getTime()) / size), name);
    },
    list: (items) => list.format(items),
    duration,
    zone, locale,
  };
}
