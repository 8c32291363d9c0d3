import '@/panels/people/people.css';
import { useState } from 'react';
import { addressOf, addressOfGet } from '@/api/call.ts';
import type { AccessRequest, User } from '@/api/types.ts';
import { useList } from '@/query/useList.ts';
import { ListEmpty } from '@/panels/people/ListEmpty.tsx';
import { More } from '@/panels/people/More.tsx';
import { Button } from '@/ui/Button.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { Link } from '@/ui/Link.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { SearchField } from '@/ui/SearchField.tsx';
import { Select } from '@/ui/Select.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useFormat, useText } from '@/ui/reader.tsx';
import { useKeys } from '@/ui/useKeys.ts';
import { hrefOf } from '@/url/pages.ts';
import { ANY_TEXT } from '@/url/params.ts';
import { useParams } from '@/url/useParams.ts';
import { CreateUser } from './CreateUser.tsx';
import { Requests } from './Requests.tsx';
import { UserTable } from './UserTable.tsx';

const SHAPES = { q: ANY_TEXT, state: /^(active|disabled|removed)$/, kind: /^(person|service)$/, requests: /^(open|refused)$/ } as const;
type InAddress = ReturnType<typeof useParams<keyof typeof SHAPES>>;

function UserBar({ filters: { params, set } }: { filters: InAddress }) {
  const { list: words, state, kind } = useText().people;
  const me = useSignedIn();
  const states = me.may.administer ? (['active', 'disabled', 'removed'] as const) : (['active', 'disabled'] as const);
  return (
    <div className="people-bar">
      <SearchField label={words.search} value={params.q ?? ''} onChange={(q) => set({ q }, 'replace')} />
      {me.may.administer && <Select label={words.state} value={params.state ?? ''} onChange={(s) => set({ state: s })}
        options={[{ value: '', label: words.livingStates }, ...states.map((s) => ({ value: s, label: state[s] }))]} />}
      <Select label={words.kind} value={params.kind ?? ''} onChange={(k) => set({ kind: k })}
        options={[{ value: '', label: words.anyKind }, { value: 'person', label: kind.person }, { value: 'service', label: kind.service }]} />
    </div>
  );
}

// The count is in the head; the requests themselves show while somebody waits, or where they are asked for.
function useRequests(filters: InAddress) {
  const me = useSignedIn();
  const state = filters.params.requests === 'refused' ? 'refused' as const : 'open' as const;
  const list = useList<AccessRequest>(me.may.administer ? addressOfGet('/api/access-requests', { query: { state } }) : null, `requests ${state}`);
  const isShown = me.may.administer && (filters.params.requests !== undefined || list.items.length > 0 || list.first.state === 'failed');
  return { list, state, isShown };
}

function RequestsLink({ filters, list, state }: { filters: InAddress } & Pick<ReturnType<typeof useRequests>, 'list' | 'state'>) {
  const { requests: words } = useText().people;
  const format = useFormat();
  const count = `${format.exact(list.items.length)}${list.more ? '+' : ''}`;
  return <Link className="button" href={filters.href({ requests: 'open' })}>{state === 'open' && list.items.length > 0 ? words.count(count) : words.title}</Link>;
}

function People() {
  const { people: { users: words, list: listWords } } = useText();
  const me = useSignedIn();
  const filters = useParams(SHAPES);
  const [isCreating, setCreating] = useState(false);
  const { q, state, kind } = filters.params;
  const list = useList<User>(addressOf('/api/users', null, { q, state, kind }), 'users page');
  const requests = useRequests(filters);
  const clear = q || state || kind ? filters.clear : null;
  useKeys({ Escape: () => clear?.() });
  return (
    <>
      <PageHead title={words.title}>
        {me.may.administer && <><RequestsLink filters={filters} {...requests} /><Button kind="main" onClick={() => setCreating(true)}>{words.create}</Button></>}
      </PageHead>
      {filters.bad.length > 0 && <Notice kind="warn">{listWords.bad(filters.bad.join(', '))}</Notice>}
      {requests.isShown && <Requests list={requests.list} state={requests.state} onState={(s) => filters.set({ requests: s })} />}
      <UserBar filters={filters} />
      <section className="panel" aria-label={words.title}>
        <Loaded of={list.first} what={words.title} height={320}>
          {(page) => (page.items.length > 0 ? <UserTable users={list.items} /> : <ListEmpty title={words.empty} clear={clear} />)}
        </Loaded>
        <More list={list} />
      </section>
      {isCreating && <CreateUser onClose={() => setCreating(false)} />}
    </>
  );
}

export default function UsersPage() {
  const { users: words } = useText().people;
  const me = useSignedIn();
  if (me.may.manage)
    return <People />;
  return <><PageHead title={words.title} /><Empty title={words.onlyManagers} acts={<Link className="button" href={hrefOf({ name: 'account' })}>{words.toAccount}</Link>} /></>;
}
