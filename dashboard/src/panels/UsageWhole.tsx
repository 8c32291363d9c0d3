import type { ReactNode } from 'react';
import type { Whole } from '@/api/types.ts';
import { useNow } from '@/query/clock.ts';
import type { Result } from '@/query/useQuery.ts';
import { Loaded } from '@/ui/Loaded.tsx';
import type { View } from '@/url/view.ts';
import { Cards } from './Cards.tsx';
import { GapsPanel } from './GapsPanel.tsx';
import { NoCalls } from './NoCalls.tsx';
import { Trust } from './Trust.tsx';
import { isOfRange, rangeOf } from './question.ts';

interface Props<T extends Whole> { of: Result<T>; what: string; view: View; address: string; more?: ReactNode; children: (of: T) => ReactNode }

// What every page of usage shows of its one answer: how far it can be trusted, cards, its own charts, what is not counted.
export function UsageWhole<T extends Whole>({ of: result, what, view, address, more, children }: Props<T>) {
  const now = useNow();
  return (
    <Loaded of={result} what={what} height={900}>
      {(of) => (
        <>
          <Trust of={of} isOld={result.state === 'refreshing' && !isOfRange(of, rangeOf(view, now))} />
          <Cards of={of} compare={view.compare} more={more} />
          {of.total_calls === 0 ? <NoCalls of={of} /> : children(of)}
          <GapsPanel of={of} zone={view.zone} address={address} />
        </>
      )}
    </Loaded>
  );
}
