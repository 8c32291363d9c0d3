import type { ReactNode } from 'react';
import type { Result } from '@/query/useQuery.ts';
import { ProblemNotice } from './ProblemNotice.tsx';
import { Skeleton } from './Skeleton.tsx';

interface Props<T> { of: Result<T>; what: string; height: number; children: (data: T) => ReactNode }

// One way for all that is loaded: a place holder of its size, the data, or what went wrong above the former data.
export function Loaded<T>({ of, what, height, children }: Props<T>) {
  if (of.state === 'loading')
    return <Skeleton height={height} what={what} />;
  if (of.state !== 'failed')
    return <>{children(of.data)}</>;
  return (
    <>
      <ProblemNotice problem={of.problem} what={what} retry={of.retry} isTrying={of.isTrying} shownAt={of.data === undefined ? null : of.loadedAt} />
      {of.data === undefined ? null : children(of.data)}
    </>
  );
}
