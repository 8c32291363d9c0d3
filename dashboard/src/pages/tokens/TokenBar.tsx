import { Button } from '@/ui/Button.tsx';
import { SearchField } from '@/ui/SearchField.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { isFiltered, TOKEN_RANKS, TOKEN_STATES, withoutFilters } from '@/url/tokenList.ts';
import type { TokenListState } from '@/url/tokenList.ts';
import { useTokenList } from '@/url/useTokenList.ts';
import { FilterMenu } from './FilterMenu.tsx';
import { ScopeMenu } from './ScopeMenu.tsx';
import { TeamMenu } from './TeamMenu.tsx';
import { SOON_DAYS, UNUSED_DAYS } from './question.ts';

const SOON = [SOON_DAYS, 30] as const;
const UNUSED = [30, UNUSED_DAYS] as const;

// Search, filters, order: all of it stands in the address.
export function TokenBar() {
  const { list: words, states, state, expires } = useText().tokens;
  const format = useFormat();
  const [view, change] = useTokenList();
  const days = <T,>(all: readonly T[], none: string, name: (d: T) => string) =>
    [{ value: null, label: none }, ...all.map((d) => ({ value: d, label: name(d) }))];
  return (
    <div className="tokens-bar" role="search" aria-label={words.filters}>
      <SearchField label={words.search} value={view.q} onChange={(q) => change({ q }, 'replace')} />
      <FilterMenu<TokenListState> label={state} value={view.state} none="in_use" onChange={(s) => change({ state: s })}
        options={TOKEN_STATES.map((s) => ({ value: s, label: s === 'in_use' ? words.inUse : s === 'all' ? words.all : states[s] }))} />
      <TeamMenu />
      <ScopeMenu />
      <FilterMenu label={words.use} value={view.unusedDays} none={null} onChange={(d) => change({ unusedDays: d })}
        options={days<number>(UNUSED, words.anyUse, (d) => words.unused(format.exact(d)))} />
      <FilterMenu label={expires} value={view.expiresDays} none={null} onChange={(d) => change({ expiresDays: d })}
        options={days<number>(SOON, words.anyExpiry, (d) => words.soon(format.exact(d)))} />
      <FilterMenu label={words.order} value={view.by} none={null} onChange={(by) => change({ by })}
        options={days(TOKEN_RANKS, words.byDate, (r) => (r === 'calls' ? words.byCalls : words.byErrors))} />
      {isFiltered(view) && <Button kind="quiet" onClick={() => change(withoutFilters(view))}>{words.clear}</Button>}
    </div>
  );
}
