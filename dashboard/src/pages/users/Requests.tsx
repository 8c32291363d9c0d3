import { useState } from 'react';
import { change } from '@/api/call.ts';
import type { AccessRequest } from '@/api/types.ts';
import type { List } from '@/query/useList.ts';
import { refreshPeople } from '@/panels/people/address.ts';
import { Ask } from '@/panels/people/Ask.tsx';
import { More } from '@/panels/people/More.tsx';
import { Ago } from '@/ui/Ago.tsx';
import { Button } from '@/ui/Button.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { Select } from '@/ui/Select.tsx';
import { Table } from '@/ui/Table.tsx';
import type { Column } from '@/ui/Table.tsx';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';
import { GrantRequest } from './GrantRequest.tsx';

export type RequestState = 'open' | 'refused';
interface Props { list: List<AccessRequest>; state: RequestState; onState: (s: RequestState) => void }
interface Opened { act: 'grant' | 'refuse'; request: AccessRequest }

function RefuseRequest({ request, who, onClose }: { request: AccessRequest; who: string; onClose: () => void }) {
  const { requests: words } = useText().people;
  return (
    <Ask title={words.refuseTitle(who)} go={words.refuse} onClose={onClose}
      act={() => change('post', '/api/access-requests/{id}/refuse', { path: { id: request.id } })}
      onDone={() => { tell(words.refused(who)); refreshPeople(); }}>
      <p>{words.refuseWhat}</p>
    </Ask>
  );
}

function useColumns(nameOf: (r: AccessRequest) => string, onOpen: (o: Opened) => void): Column<AccessRequest>[] {
  const { requests: words } = useText().people;
  return [
    { key: 'who', head: words.who, isHead: true, cell: (r) => <span className="people-lines"><span className="people-name">{nameOf(r)}</span>{r.email && <span className="soft">{r.email}</span>}</span> },
    { key: 'provider', head: words.provider, cell: (r) => <span className="people-lines"><span className="people-long">{r.issuer}</span><code className="people-long">{r.subject}</code></span> },
    { key: 'first', head: words.first, cell: (r) => <Ago at={r.first_at} /> },
    { key: 'last', head: words.last, cell: (r) => <Ago at={r.last_at} /> },
    { key: 'acts', head: <span className="only-read">{words.grant}</span>, cell: (request) => (
      <div className="people-acts">
        <Button kind="main" label={words.grantOf(nameOf(request))} onClick={() => onOpen({ act: 'grant', request })}>{words.grant}</Button>
        {request.state === 'open' && <Button kind="danger" label={words.refuseOf(nameOf(request))} onClick={() => onOpen({ act: 'refuse', request })}>{words.refuse}</Button>}
      </div>) },
  ];
}

// Who is known to a provider and has no role here: admins let them in, or do not.
export function Requests({ list, state, onState }: Props) {
  const { requests: words, state: states } = useText().people;
  const [opened, setOpened] = useState<Opened | null>(null);
  const nameOf = (r: AccessRequest): string => r.name ?? r.email ?? words.nameless(r.subject);
  const columns = useColumns(nameOf, setOpened);
  const close = (): void => setOpened(null);
  return (
    <Panel title={words.title} flush note={words.note}
      tools={<Select<RequestState> quiet label={words.show} value={state} onChange={onState} options={[{ value: 'open', label: states.open }, { value: 'refused', label: states.refused }]} />}>
      <Loaded of={list.first} what={words.title} height={140}>
        {(page) => (page.items.length === 0 ? <Empty title={state === 'open' ? words.none : words.noneRefused} />
          : <Table caption={words.title} columns={columns} rows={list.items} rowKey={(r) => String(r.id)} />)}
      </Loaded>
      {list.more && <More list={list} />}
      {opened?.act === 'grant' && <GrantRequest request={opened.request} who={nameOf(opened.request)} onClose={close} />}
      {opened?.act === 'refuse' && <RefuseRequest request={opened.request} who={nameOf(opened.request)} onClose={close} />}
    </Panel>
  );
}
