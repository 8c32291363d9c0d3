// Plain parameters of a list's address, by the shape that each has; what does not fit is named and passed over. So is
// what looks like a key, of which no more than that is told.
import { looksLikeKey, named } from './keyish.ts';

export type Shapes<K extends string> = Readonly<Record<K, RegExp>>;
export type Params<K extends string> = Partial<Record<K, string>>;
export interface ReadParams<K extends string> { params: Params<K>; bad: readonly string[] }

export const ANY_TEXT = /^[^\p{Cc}]{1,255}$/u;
export const AN_ID = /^[1-9]\d{0,15}$/;

const namesOf = <K extends string>(shapes: Shapes<K>): K[] => {
  const names: K[] = [];
  for (const name in shapes)
    names.push(name);
  return names;
};

export function readParams<K extends string>(text: string, shapes: Shapes<K>): ReadParams<K> {
  const search = new URLSearchParams(text);
  const params: Params<K> = {};
  const bad: string[] = [];
  for (const name of namesOf(shapes)) {
    const value = search.get(name);
    if (value === null || value === '')
      continue;
    if (shapes[name].test(value) && !looksLikeKey(value))
      params[name] = value;
    else
      bad.push(named(name, value));
  }
  return { params, bad };
}

// "?a=1&b=2" in the shapes' order, or nothing.
export function printParams<K extends string>(params: Params<K>, shapes: Shapes<K>): string {
  const search = new URLSearchParams();
  for (const name of namesOf(shapes)) {
    const value = params[name];
    if (value && !looksLikeKey(value))
      search.set(name, value);
  }
  const text = search.toString();
  return text ? `?${text}` : '';
}
