// What a live list asks for, as docs/live.md has a `filter`.
import { addFilter, listFilters } from '@/url/filters.ts';
import type { Filters } from '@/url/filters.ts';

// own: what the page itself is about, in place of such filters.
export function liveFilter(filters: Filters, own: { token?: number; route?: string }): string {
  let all: Filters = own.token === undefined ? filters : { ...filters, token: [own.token] };
  if (own.route !== undefined)
    all = addFilter({ ...all, route: [] }, { name: 'route', value: own.route });
  return new URLSearchParams(listFilters(all).map(({ name, value }) => [name, value])).toString();
}
