import type { Format } from '@/text/format.ts';
import type { Unit } from './series.ts';

// As an axis has it, and exactly.
export function printUnit(format: Format, unit: Unit, value: number): string {
  switch (unit) {
    case 'count': return format.count(value);
    case 'ms': return format.ms(value);
    case 'percent': return format.percent(value);
  }
}

export function printExactly(format: Format, unit: Unit, value: number | null | undefined): string {
  if (value === null || value === undefined)
    return '–';
  return unit === 'count' ? format.exact(value) : printUnit(format, unit, value);
}
