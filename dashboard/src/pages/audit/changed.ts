// What a line of the audit changed: the fields that differ, as texts.
import type { AuditLine } from '@/api/types.ts';

export interface Changed { field: string; before: string | null; after: string | null }

function textOf(value: unknown): string | null {
  if (value === undefined || value === null)
    return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function changedFields(line: Pick<AuditLine, 'before' | 'after'>): Changed[] {
  const [before, after] = [line.before ?? {}, line.after ?? {}];
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return fields.map((field) => ({ field, before: textOf(before[field]), after: textOf(after[field]) }))
    .filter((c) => c.before !== c.after);
}

// "token.revoked": the thing and what became of it.
export function partsOf(action: string): { thing: string; verb: string } {
  const dot = action.indexOf('.');
  return dot < 0 ? { thing: action, verb: '' } : { thing: action.slice(0, dot), verb: action.slice(dot + 1) };
}
