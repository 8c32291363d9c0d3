// What a line of the audit says has changed, field by field.
export type Row = Readonly<Record<string, unknown>>;
export interface Changed { name: string; before: unknown; after: unknown }

const isNone = (value: unknown): boolean => value === null || value === undefined;
const same = (a: unknown, b: unknown): boolean => (isNone(a) && isNone(b)) || JSON.stringify(a) === JSON.stringify(b);

// Only fields that differ, in the row's order; those of nothing before or after are all that are set.
export function diffOf(before: Row | null, after: Row | null): Changed[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names.map((name) => ({ name, before: before?.[name] ?? null, after: after?.[name] ?? null })).filter((c) => !same(c.before, c.after));
}

// Null: none.
export function printValue(value: unknown): string | null {
  if (isNone(value))
    return null;
  if (Array.isArray(value) && value.every((v) => typeof v === 'string'))
    return value.length === 0 ? '[]' : value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function nameIn(before: Row | null, after: Row | null): string | null {
  const name = after?.['name'] ?? before?.['name'];
  return typeof name === 'string' && name !== '' ? name : null;
}

const idIn = (row: Row | null, name: string): number | null => {
  const id = row?.[name];
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : null;
};

export interface Line { target: string; target_id: string | null; before: Row | null; after: Row | null }
export type Target = { name: 'token' | 'team' | 'user'; id: number } | null;

// The page of what was changed; of keys, sessions and memberships the user's.
export function pageOfTarget(l: Line): Target {
  const own = l.target_id !== null && /^[1-9]\d{0,15}$/.test(l.target_id) ? Number(l.target_id) : null;
  if (l.target === 'token' || l.target === 'team' || l.target === 'user')
    return own === null ? null : { name: l.target, id: own };
  const user = idIn(l.after ?? l.before, 'user_id');
  return user === null ? null : { name: 'user', id: user };
}
