// What the manager says of a form's fields, by RFC 6901 pointers ("#/scopes_most/1").
import type { Problem } from '@/api/problem.ts';

export interface Told<K extends string> {
  at: Partial<Record<K, string>>;
  rest: boolean; // whether some of it belongs to none of the fields
}

export function told<K extends string>(problem: Problem | null, fields: readonly K[]): Told<K> {
  const at: Partial<Record<K, string>> = {};
  let rest = problem !== null && problem.errors.length === 0;
  for (const error of problem?.errors ?? []) {
    const name = /^#\/([^/]+)/.exec(error.pointer ?? '')?.[1];
    const field = fields.find((f) => f === name);
    if (field)
      at[field] = at[field] ? `${at[field]} ${error.detail}` : error.detail;
    else
      rest = true;
  }
  return { at, rest };
}
