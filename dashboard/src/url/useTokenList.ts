// The list of tokens that the address has, and how to change it.
import { useMemo } from 'react';
import { go } from './place.ts';
import { hrefOf } from './pages.ts';
import { printTokenList, readTokenList } from './tokenList.ts';
import type { TokenList } from './tokenList.ts';
import { usePlace } from './usePlace.ts';

export function tokenListHref(l: TokenList): string {
  const search = printTokenList(l);
  return hrefOf({ name: 'tokens' }) + (search ? `?${search}` : '');
}

export type ChangeTokenList = (part: Partial<TokenList>, how?: 'push' | 'replace') => void;

export function useTokenList(): [TokenList, ChangeTokenList] {
  const { search } = usePlace();
  const list = useMemo(() => readTokenList(search), [search]);
  return [list, (part, how = 'push') => go(tokenListHref({ ...list, ...part }), how)];
}
