import type { BadgeKind } from '@/ui/Badge.tsx';

export function statusKind(status: number | null): BadgeKind {
  if (status === null)
    return 'plain';
  return status >= 500 ? 'bad' : status >= 400 ? 'warn' : 'good';
}
