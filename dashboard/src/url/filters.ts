// Filters of usage, as the API and the address name them. Repeated ones are any of them.
import { looksLikeKey, named } from './keyish.ts';

export interface Filters {
  token: readonly number[];
  route: readonly string[];
  team: readonly number[];
  status?: number;
  class?: string;
  outcome?: string;
  method?: string;
  address?: string;
  min_ms?: number;
}

export type FilterName = keyof Filters;
export const NO_FILTERS: Filters = { token: [], route: [], team: [] };
const FILTER_NAMES: readonly FilterName[] =
  ['token', 'route', 'team', 'status', 'class', 'outcome', 'method', 'address', 'min_ms'];

export interface Filter { name: FilterName; value: string }

const SHAPES: Record<FilterName, RegExp> = {
  token: /^[1-9]\d{0,15}$/, team: /^[1-9]\d{0,15}$/, route: /^\/.{0,1023}$/,
  status: /^[1-9]\d\d$/, class: /^[1-9]xx$/, outcome: /^[a-z_]{1,40}$/, method: /^[A-Z]{1,10}$/,
  address: /^[0-9a-fA-F:./]{2,50}$/, min_ms: /^\d{1,9}$/,
};

export function addFilter(f: Filters, { name, value }: Filter): Filters {
  switch (name) {
    case 'token': return { ...f, token: [...new Set([...f.token, Number(value)])] };
    case 'team': return { ...f, team: [...new Set([...f.team, Number(value)])] };
    case 'route': return { ...f, route: [...new Set([...f.route, value])] };
    case 'status': return { ...f, status: Number(value) };
    case 'min_ms': return { ...f, min_ms: Number(value) };
    case 'class': case 'outcome': case 'method': case 'address': return { ...f, [name]: value };
  }
}

export function removeFilter(f: Filters, { name, value }: Filter): Filters {
  switch (name) {
    case 'token': return { ...f, token: f.token.filter((v) => String(v) !== value) };
    case 'team': return { ...f, team: f.team.filter((v) => String(v) !== value) };
    case 'route': return { ...f, route: f.route.filter((v) => v !== value) };
    default: {
      const { [name]: _, ...rest } = f;
      return rest;
    }
  }
}

export const isGood = ({ name, value }: Filter): boolean => SHAPES[name].test(value) && !looksLikeKey(value);

export function listFilters(f: Filters): Filter[] {
  return FILTER_NAMES.flatMap((name) => {
    const value = f[name];
    const values = Array.isArray(value) ? value : value === undefined ? [] : [value];
    return values.map((v) => ({ name, value: String(v) }));
  });
}

export function readFilters(search: URLSearchParams, bad: string[]): Filters {
  let found = NO_FILTERS;
  for (const name of FILTER_NAMES)
    for (const value of search.getAll(name))
      if (isGood({ name, value }))
        found = addFilter(found, { name, value });
      else
        bad.push(named(name, value));
  return found;
}

export function printFilters(f: Filters, search: URLSearchParams): void {
  for (const { name, value } of listFilters(f))
    search.append(name, value);
}

export const hasFilters = (f: Filters): boolean => listFilters(f).length > 0;
