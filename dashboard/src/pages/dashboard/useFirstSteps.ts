import { useEffect, useRef, useState } from 'react';
import { addressOfGet } from '@/api/call.ts';
import type { RouteConfiguration, Stats, Token } from '@/api/types.ts';
import { useNow } from '@/query/clock.ts';
import { refresh } from '@/query/store.ts';
import { useQuery } from '@/query/useQuery.ts';
import { areDone, asksFor, isStage, stepsOf } from './firstSteps.ts';
import type { Stage, Steps } from './firstSteps.ts';

const KEY = 'tollgate.firstSteps';
const TOKENS = addressOfGet('/api/tokens', { query: { limit: 1 } });
const ROUTES = addressOfGet('/api/routes');

function storedStage(): Stage {
  const text = window.localStorage.getItem(KEY);
  return isStage(text) ? text : 'tokens';
}

const store = (stage: Stage): void => window.localStorage.setItem(KEY, stage);

export interface FirstSteps { steps: Steps; isFinished: boolean; dismiss: () => void }

// shown of null: they are not; asks: whether this view has one call for them. isFor: whether this reader could take them.
export function useFirstSteps(of: Stats | undefined, isFor: boolean): { shown: FirstSteps | null; asks: boolean } {
  const now = useNow();
  const [stage, setStage] = useState<Stage>(() => (isFor ? storedStage() : 'done'));
  const wasOpen = useRef(false); // something was to do while somebody looked
  const firstCallAt = of?.first_call_at;
  const asked = asksFor(stage, firstCallAt, now);
  const tokens = useQuery<{ items: Token[] }>(asked === 'tokens' ? TOKENS : null, TOKENS);
  const routes = useQuery<{ items: RouteConfiguration[] }>(asked === 'routes' ? ROUTES : null, ROUTES);
  const tokensThere = 'data' in tokens && tokens.data ? tokens.data.items.length > 0 : undefined;
  const routesThere = 'data' in routes ? routes.data?.items : undefined;
  const hasToken = stage === 'routes' || tokensThere === true;
  const steps = stepsOf(hasToken, firstCallAt, routesThere);
  const isFinished = areDone(steps);
  const isKnown = asked === 'tokens' ? tokensThere !== undefined : asked === 'routes' && routesThere !== undefined;
  if (isKnown && !isFinished)
    wasOpen.current = true;
  useEffect(() => {
    if (hasToken && stage === 'tokens') {
      store('routes');
      setStage('routes');
    } else if (!isFinished) {
      refresh((address) => address === (asked === 'tokens' ? TOKENS : ROUTES));
    }
  }, [now]);
  useEffect(() => {
    if (isFinished)
      store('done');
  }, [isFinished]);
  const dismiss = (): void => { store('done'); setStage('done'); };
  return { shown: isKnown && wasOpen.current ? { steps, isFinished, dismiss } : null, asks: stage !== 'done' && (of === undefined || asked !== null) };
}
