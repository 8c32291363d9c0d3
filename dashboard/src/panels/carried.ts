// What a link to another page of usage takes along: range, zone and comparison, not the filters.
import { NO_FILTERS } from '@/url/filters.ts';
import { printView } from '@/url/view.ts';
import type { View } from '@/url/view.ts';

export function carriedOf(view: View): string {
  const text = printView({ ...view, filters: NO_FILTERS, by: 'calls' }).toString();
  return text ? `?${text}` : '';
}
