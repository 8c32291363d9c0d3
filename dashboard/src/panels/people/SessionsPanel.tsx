import { useState } from 'react';
import { change } from '@/api/call.ts';
import type { UserSession } from '@/api/types.ts';
import { useList } from '@/query/useList.ts';
import { signOut } from '@/query/session.ts';
import { Ago } from '@/ui/Ago.tsx';
import { Button } from '@/ui/Button.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { Table } from '@/ui/Table.tsx';
import type { Column } from '@/ui/Table.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';
import { refreshPeople, sessionsAddress } from './address.ts';
import { Ask } from './Ask.tsx';
import { browserName } from './browserName.ts';
import type { KeyOwner } from './KeysPanel.tsx';
import { More } from './More.tsx';

function useWhere(): (s: UserSession) => string {
  const { sessions: words } = useText().people;
  return ({ user_agent }) => {
    const { browser, system } = browserName(user_agent);
    return browser && system ? words.on(browser, system) : browser ?? system ?? words.unknown;
  };
}

// One's own ends as signing out does, in all tabs.
function EndSession({ session, onClose }: { session: UserSession; onClose: () => void }) {
  const { sessions: words } = useText().people;
  const me = useSignedIn();
  const where = useWhere();
  const isHere = me.signed_in.session_id === session.id;
  return (
    <Ask title={words.endTitle} go={words.end} onClose={onClose}
      act={() => (isHere ? signOut(false) : change('delete', '/api/users/{id}/sessions/{session_id}', { path: { id: session.user_id, session_id: session.id } }))}
      onDone={() => { tell(words.ended); refreshPeople(); }}>
      <p>{words.endWhat(where(session))}</p>
    </Ask>
  );
}

function EndAll({ owner, onClose }: { owner: KeyOwner; onClose: () => void }) {
  const { sessions: words, account } = useText().people;
  const act = (): Promise<unknown> => (owner.isOwn ? signOut(true) : change('delete', '/api/users/{id}/sessions', { path: { id: owner.id } }));
  return (
    <Ask title={owner.isOwn ? account.everywhereTitle : words.endAllTitle} go={owner.isOwn ? account.everywhere : words.endAll} onClose={onClose} act={act}
      onDone={() => { tell(words.endedAll(owner.name)); refreshPeople(); }}>
      <p>{owner.isOwn ? account.everywhereWhat : words.endAllWhat(owner.name)}</p>
    </Ask>
  );
}

function useColumns(onEnd: (s: UserSession) => void): Column<UserSession>[] {
  const { sessions: words } = useText().people;
  const me = useSignedIn();
  const where = useWhere();
  return [
    { key: 'where', head: words.where, isHead: true, cell: (s) => (
      <span title={s.user_agent ?? undefined}>{where(s)}{me.signed_in.session_id === s.id && <span className="soft"> ({words.here})</span>}</span>) },
    { key: 'address', head: words.address, cell: (s) => <code>{s.address ?? '–'}</code> },
    { key: 'began', head: words.began, cell: (s) => <Ago at={s.created_at} /> },
    { key: 'ends', head: words.ends, cell: (s) => <Ago at={s.expires_at} /> },
    { key: 'acts', head: <span className="only-read">{words.end}</span>, cell: (s) => (
      <div className="people-acts"><Button kind="danger" label={words.endOf(where(s))} onClick={() => onEnd(s)}>{words.end}</Button></div>) },
  ];
}

// Browsers in which somebody is signed in.
export function SessionsPanel({ owner }: { owner: KeyOwner }) {
  const { sessions: words, account } = useText().people;
  const [ended, setEnded] = useState<UserSession | 'all' | null>(null);
  const list = useList<UserSession>(sessionsAddress(owner.id), `sessions ${owner.id}`);
  const columns = useColumns(setEnded);
  return (
    <Panel title={words.title} flush note={words.note}
      tools={list.items.length > 0 && <Button kind="danger" onClick={() => setEnded('all')}>{owner.isOwn ? account.everywhere : words.endAll}</Button>}>
      <Loaded of={list.first} what={words.title} height={160}>
        {(page) => (page.items.length === 0 ? <Empty title={words.empty} />
          : <Table caption={words.title} columns={columns} rows={list.items} rowKey={(s) => String(s.id)} />)}
      </Loaded>
      {list.more && <More list={list} />}
      {ended === 'all' && <EndAll owner={owner} onClose={() => setEnded(null)} />}
      {ended !== null && ended !== 'all' && <EndSession session={ended} onClose={() => setEnded(null)} />}
    </Panel>
  );
}
