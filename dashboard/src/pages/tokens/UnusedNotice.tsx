import type { ListPage } from '@/query/useList.ts';
import { useQuery } from '@/query/useQuery.ts';
import { Link } from '@/ui/Link.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { ALL_TOKENS } from '@/url/tokenList.ts';
import { tokenListHref } from '@/url/useTokenList.ts';
import { UNUSED_DAYS, unusedAddress } from './question.ts';

// Keys that nobody has used for long are keys that nobody would miss: a click leads to them.
export function UnusedNotice() {
  const { notice: words } = useText().tokens;
  const format = useFormat();
  const unused = useQuery<ListPage<unknown>>(unusedAddress, 'unused tokens');
  const page = 'data' in unused ? unused.data : undefined;
  if (!page || page.items.length === 0)
    return null;
  const count = page.items.length;
  return (
    <Notice kind="info" acts={<Link className="button" href={tokenListHref({ ...ALL_TOKENS, state: 'active', unusedDays: UNUSED_DAYS, sort: 'last_used_at' })}>{words.show}</Link>}>
      {words.unused(count, page.next === null ? format.exact(count) : `${format.exact(count)}+`)}
    </Notice>
  );
}
