import type { ReactNode } from 'react';
import type { Whole } from '@/api/types.ts';
import { ownOf } from '@/query/useQuery.ts';
import type { Result } from '@/query/useQuery.ts';
import { Loaded } from '@/ui/Loaded.tsx';
import type { View } from '@/url/view.ts';
import { Cards } from './Cards.tsx';
import { GapsPanel } from './GapsPanel.tsx';
import { NoCalls } from './NoCalls.tsx';
import { Trust } from './Trust.tsx';

interface Props<T extends Whole> { of: Result<T>; what: string; view: View; address: string; more?: ReactNode; children: (of: T) => ReactNode }

// What every page of usage shows of its one answer: how far it can be trusted, cards, its own charts, what is not counted.
export function UsageWhole<T extends Whole>({ of: result, what, view, address, more, children }: Props<T>) {
  return (
    <Loaded of={ownOf(result)} what={what} height={900}>
      {(of) => (
        <>
          <Trust of={of} isOld={result.state === 'refreshing' && result.isOther} />
          <Cards of={of} compare={view.compare} more={more} />
          {of.total_calls === 0 ? <NoCalls of={of} /> : children(of)}
          <GapsPanel of={of} zone={view.zone} address={address} />
        </>
      )}
    </Loaded>
  );
}
