import type { List } from '@/query/useList.ts';
import { Button } from '@/ui/Button.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import type { ListedToken } from './TokenTable.tsx';

export function MoreTokens({ list: { items, more } }: { list: List<ListedToken> }) {
  const { tokens: { list: words, title }, common } = useText();
  const format = useFormat();
  if (items.length === 0)
    return null;
  const count = format.exact(items.length);
  return (
    <>
      {more?.problem && <ProblemNotice problem={more.problem} what={title} retry={more.load} />}
      <div className="table-more">
        <span className="soft" role="status">{more ? words.shownMore(count) : words.shown(count)}</span>
        {more && <Button onClick={more.load} disabled={more.isLoading}>{common.act.nextPage}</Button>}
      </div>
    </>
  );
}
