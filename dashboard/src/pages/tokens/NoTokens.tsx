import { Button } from '@/ui/Button.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { Link } from '@/ui/Link.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { ALL_TOKENS, isFiltered, withoutFilters } from '@/url/tokenList.ts';
import { tokenListHref, useTokenList } from '@/url/useTokenList.ts';

// Nothing fits the filters, or nothing is there: each with the next step.
export function NoTokens({ onCreate }: { onCreate: (() => void) | null }) {
  const { empty: words, list, create } = useText().tokens;
  const me = useSignedIn();
  const [view, change] = useTokenList();
  if (isFiltered(view))
    return (
      <Empty title={words.filters} hint={view.state === 'in_use' ? words.ended : words.filtersHint}
        acts={<>
          <Button onClick={() => change(withoutFilters(view))}>{list.clear}</Button>
          {view.state === 'in_use' && <Button onClick={() => change({ state: 'all' })}>{list.showEnded}</Button>}
        </>} />
    );
  return (
    <Empty title={words.ever} hint={me.may.manage ? words.everHint : words.everViewer}
      acts={<>
        {onCreate && <Button kind="main" onClick={onCreate}>{create}</Button>}
        <Link className="button" href={tokenListHref({ ...ALL_TOKENS, state: 'all' })}>{list.showEnded}</Link>
      </>} />
  );
}
