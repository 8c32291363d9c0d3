// The one question of a page of usage: by the view; again by the clock as long as its answer lacks calls, also where its
// range, and so its address, stands still.
import type { Whole } from '@/api/types.ts';
import { refresh } from '@/query/store.ts';
import { useQuery } from '@/query/useQuery.ts';
import type { Result } from '@/query/useQuery.ts';
import { useTicks } from '@/query/useRefreshed.ts';
import { printView } from '@/url/view.ts';
import type { View } from '@/url/view.ts';
import { isBehind } from './trust.ts';

export function useWhole<T extends Whole>(address: string, group: string, view: View): Result<T> {
  const result = useQuery<T>(address, group, printView(view).toString());
  const of = 'data' in result ? result.data : undefined;
  useTicks(() => {
    if (of && (of.waiting > 0 || isBehind(of)))
      refresh((a) => a === address);
  });
  return result;
}
