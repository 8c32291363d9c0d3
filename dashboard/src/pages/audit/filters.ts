// Filters of the audit, as the address has them.
import { named } from '@/url/keyish.ts';
import { AN_ID, ANY_TEXT } from '@/url/params.ts';
import type { Params } from '@/url/params.ts';
import { parseInstant } from '@/time/range.ts';

export const SHAPES = {
  action: /^[a-z_]{1,40}\.[a-z_]{1,40}$/, target: /^[a-z_]{1,40}$/, target_id: ANY_TEXT, actor: ANY_TEXT, user: ANY_TEXT, team: AN_ID,
  from: ANY_TEXT, to: ANY_TEXT,
} as const;
export type Name = keyof typeof SHAPES;
export type Filters = Params<Name>;
export const NAMES: readonly Name[] = ['action', 'target', 'target_id', 'actor', 'user', 'team', 'from', 'to'];

export interface Question { query: Filters; bad: string[] }

// As it is asked: times on the reader's clock become instants, those that are none are passed over.
export function questionOf(f: Filters, zone: string): Question {
  const query: Filters = { ...f };
  const bad: string[] = [];
  for (const name of ['from', 'to'] as const) {
    const text = f[name];
    if (text === undefined)
      continue;
    const at = parseInstant(text, zone);
    if (at) {
      query[name] = at.toISOString();
    } else {
      delete query[name];
      bad.push(named(name, text));
    }
  }
  return { query, bad };
}

// "token.revoked" in its two parts.
export const partsOf = (action: string): [string, string] => {
  const at = action.indexOf('.');
  return at < 0 ? [action, ''] : [action.slice(0, at), action.slice(at + 1)];
};
