import type { ReactNode } from 'react';
import type { Result } from '@/query/useQuery.ts';
import { ProblemNotice } from './ProblemNotice.tsx';
import { Skeleton } from './Skeleton.tsx';

interface Props<T> { of: Result<T>; what: string; height: number; children: (data: T) => ReactNode }

// One way for all that is loaded: a place holder of its size, the data, or what went wrong above the former data, which
// stand where they were: what is open in them stays open.
export function Loaded<T>({ of, what, height, children }: Props<T>) {
  if (of.state === 'loading')
    return <Skeleton height={height} what={what} />;
  return (
    <>
      {of.state === 'failed' && <ProblemNotice problem={of.problem} what={what} retry={of.retry} isTrying={of.isTrying}
        shownAt={of.data === undefined ? null : of.loadedAt} />}
      {of.data !== undefined && children(of.data)}
    </>
  );
}
