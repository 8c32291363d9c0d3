import type { Texts } from '@/text/en/texts.ts';
import type { Format } from '@/text/format.ts';
import { parseInstant } from '@/time/range.ts';
import type { WrittenRange } from '@/time/range.ts';

// A range in words.
export function rangeName(r: WrittenRange, { range }: Texts['usage'], format: Format): string {
  if (r.kind === 'named')
    return range[r.name];
  if (r.kind === 'last')
    return range[`last_${r.unit}`](r.count, String(r.count));
  const [from, to] = [parseInstant(r.from, format.zone), parseInstant(r.to, format.zone)];
  return from && to ? `${format.minute(from)} – ${format.minute(to)}` : range.own;
}
