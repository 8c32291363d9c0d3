// What a list of tokens asks the manager.
import { addressOfGet } from '@/api/call.ts';
import type { TokenState } from '@/api/types.ts';
import type { TokenList, TokenListState } from '@/url/tokenList.ts';

const IN_USE: TokenState[] = ['active', 'disabled', 'team_disabled'];
export const UNUSED_DAYS = 90;
export const SOON_DAYS = 14;
export const MOST_COUNTED = 100;

function statesOf(state: TokenListState): TokenState[] | undefined {
  if (state === 'all')
    return undefined;
  return state === 'in_use' ? IN_USE : [state];
}

export function tokensAddress(l: TokenList): string {
  const states = statesOf(l.state);
  return addressOfGet('/api/tokens', {
    query: {
      ...(l.q.trim() ? { q: l.q.trim() } : {}),
      ...(states ? { state: states } : {}),
      ...(l.team === null ? {} : { team: [l.team] }),
      ...(l.scope === null ? {} : { scope: [l.scope] }),
      ...(l.unusedDays === null ? {} : { unused_days: l.unusedDays }),
      ...(l.expiresDays === null ? {} : { expires_days: l.expiresDays }),
      ...(l.by === null ? { sort: l.sort } : { by: l.by }),
    },
  });
}

// Enough of those that nobody uses to say how many; more than these are "100+".
export const unusedAddress = addressOfGet('/api/tokens', {
  query: { state: ['active'], unused_days: UNUSED_DAYS, limit: MOST_COUNTED },
});
