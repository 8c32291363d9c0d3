import './TokensPage.css';
import { useState } from 'react';
import type { ListPage } from '@/query/useList.ts';
import { useList } from '@/query/useList.ts';
import { CreateToken } from '@/panels/tokens/dialogs.ts';
import { refreshTokens } from '@/panels/tokens/address.ts';
import { Button } from '@/ui/Button.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useFormat, useText } from '@/ui/reader.tsx';
import { useKeys } from '@/ui/useKeys.ts';
import { isFiltered, withoutFilters } from '@/url/tokenList.ts';
import { useTokenList } from '@/url/useTokenList.ts';
import { MoreTokens } from './MoreTokens.tsx';
import { NoTokens } from './NoTokens.tsx';
import { TokenBar } from './TokenBar.tsx';
import { TokenTable } from './TokenTable.tsx';
import type { ListedToken } from './TokenTable.tsx';
import { UnusedNotice } from './UnusedNotice.tsx';
import { tokensAddress } from './question.ts';
import { useClocked } from './useClocked.ts';

type TokenPage = ListPage<ListedToken> & { as_of?: string };

function Listed({ page, items, onCreate }: { page: TokenPage; items: readonly ListedToken[]; onCreate: (() => void) | null }) {
  const { list: words } = useText().tokens;
  const format = useFormat();
  return (
    <>
      {page.as_of && <p className="tokens-note soft">{words.asOf(format.instant(new Date(page.as_of)))}</p>}
      {page.items.length === 0 ? <NoTokens onCreate={onCreate} /> : <TokenTable tokens={items} />}
    </>
  );
}

export default function TokensPage() {
  const { tokens: words } = useText();
  const me = useSignedIn();
  const [view, change] = useTokenList();
  const [isCreating, setCreating] = useState(false);
  const address = tokensAddress(view);
  const list = useList<ListedToken>(address, 'tokens');
  useClocked(address, list.items.length, 'data' in list.first ? list.first.data?.items.length : undefined);
  useKeys({ Escape: () => { if (isFiltered(view)) change(withoutFilters(view)); } });
  const create = me.may.manage ? () => setCreating(true) : null;
  return (
    <>
      <PageHead title={words.title}>{create && <Button kind="main" onClick={create}>{words.create}</Button>}</PageHead>
      {view.bad.length > 0 && <Notice kind="warn">{words.list.bad(view.bad.join(', '))}</Notice>}
      {me.may.manage && view.unusedDays === null && view.team === null && <UnusedNotice />}
      <TokenBar />
      <section className="panel" aria-label={words.title}>
        <Loaded of={list.first} what={words.title} height={480}>{(page) => <Listed page={page} items={list.items} onCreate={create} />}</Loaded>
        <MoreTokens list={list} />
      </section>
      {isCreating && <CreateToken onChanged={refreshTokens} onClose={() => setCreating(false)} />}
    </>
  );
}
