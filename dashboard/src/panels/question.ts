// What a view asks the manager: its range resolved against one `now`, its filters, as the API names them.
import { addressOfGet } from '@/api/call.ts';
import { resolveRange, DEFAULT_RANGE } from '@/time/range.ts';
import type { Range } from '@/time/range.ts';
import type { View } from '@/url/view.ts';

// A range that cannot be is read as the default one; the view names it as bad.
export function rangeOf(view: View, now: Date): Range {
  return resolveRange(view.range, view.zone, now) ?? resolveRange(DEFAULT_RANGE, view.zone, now)
    ?? { from: new Date(now.getTime() - 86_400_000), to: now, zone: view.zone };
}

const span = (r: Range) => ({ from: r.from.toISOString(), to: r.to.toISOString(), zone: r.zone });

export function rangeQuery(view: View, now: Date) {
  return span(rangeOf(view, now));
}

function usageQuery(view: View, now: Date) {
  return { ...rangeQuery(view, now), compare: view.compare, by: view.by };
}

const some = <T>(list: readonly T[]): T[] | undefined => (list.length > 0 ? [...list] : undefined);

type Query = Record<string, unknown>;
const defined = (query: Query): object => Object.fromEntries(Object.entries(query).filter(([, v]) => v !== undefined));

export function statsAddress(view: View, now: Date): string {
  const { token, route, team } = view.filters;
  return addressOfGet('/api/usage/stats', {
    query: defined({ ...usageQuery(view, now), token: some(token), route: some(route), team: some(team) }),
  });
}

export function tokenUsageAddress(id: number, view: View, now: Date): string {
  return addressOfGet('/api/usage/token/{id}', {
    path: { id }, query: defined({ ...usageQuery(view, now), route: some(view.filters.route) }),
  });
}

export function routeUsageAddress(path: string, view: View, now: Date): string {
  const { token, team } = view.filters;
  return addressOfGet('/api/usage/route', {
    query: { path, ...defined({ ...usageQuery(view, now), token: some(token), team: some(team) }) },
  });
}

export function costAddress(view: View, now: Date): string {
  const { token, route, team } = view.filters;
  return addressOfGet('/api/usage/cost', {
    query: defined({ ...rangeQuery(view, now), token: some(token), route: some(route), team: some(team) }),
  });
}

// `own`: what the page itself is about.
export function logsAddress(view: View, now: Date, own: { token?: number; route?: string } = {}): string {
  const { token, route, team, ...rest } = view.filters;
  return addressOfGet('/api/usage/logs', {
    query: defined({
      ...rangeQuery(view, now), ...rest, team: some(team),
      token: own.token === undefined ? some(token) : [own.token],
      route: own.route === undefined ? some(route) : [own.route],
    }),
  });
}

// The same list as a file.
export const csvAddress = (address: string): string => `${address}${address.includes('?') ? '&' : '?'}format=csv&bom=true`;
