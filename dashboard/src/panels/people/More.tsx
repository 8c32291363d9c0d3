import './people.css';
import type { List } from '@/query/useList.ts';
import { Button } from '@/ui/Button.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';

// How many are shown, and the next of them.
export function More<T>({ list }: { list: List<T> }) {
  const { common, people } = useText();
  const format = useFormat();
  if (list.items.length === 0)
    return null;
  const n = format.exact(list.items.length);
  return (
    <div className="people-more">
      {list.more?.problem && <ProblemNotice problem={list.more.problem} retry={list.more.load} />}
      <span className="soft" role="status">{list.more ? people.list.shownMore(n) : people.list.shown(n)}</span>
      {list.more && <Button disabled={list.more.isLoading} onClick={list.more.load}>{common.act.nextPage}</Button>}
    </div>
  );
}
