import { useState } from 'react';
import { change } from '@/api/call.ts';
import type { UserKey } from '@/api/types.ts';
import { useList } from '@/query/useList.ts';
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
import { keysAddress, refreshPeople } from './address.ts';
import { Ask } from './Ask.tsx';
import { More } from './More.tsx';
import { NewKey } from './NewKey.tsx';
import { StateBadge } from './StateBadge.tsx';

export interface KeyOwner { id: number; name: string; kind: 'person' | 'service'; isOwn: boolean }
interface Props { owner: KeyOwner; mayCreate: boolean }

function RevokeKey({ k, label, onClose }: { k: UserKey; label: string; onClose: () => void }) {
  const { keys: words } = useText().people;
  const me = useSignedIn();
  return (
    <Ask title={words.revokeTitle(label)} go={words.revoke} onClose={onClose} conflict={words.lastAdmin}
      act={() => change('delete', '/api/users/{id}/keys/{key_id}', { path: { id: k.user_id, key_id: k.id } })}
      onDone={() => { tell(words.revoked(label)); refreshPeople(); }}>
      <p>{words.revokeWhat}</p>
      {me.signed_in.key_id === k.id && <p className="warn">{words.revokeOwn}</p>}
    </Ask>
  );
}

function useColumns(onRevoke: (k: UserKey) => void): Column<UserKey>[] {
  const { keys: words } = useText().people;
  const me = useSignedIn();
  const label = (k: UserKey): string => k.name || words.unnamed(k.key_start ?? '');
  return [
    { key: 'name', head: words.name, isHead: true, cell: (k) => <>{k.name || '–'}{me.signed_in.key_id === k.id && <span className="soft"> ({words.now})</span>}</> },
    { key: 'start', head: words.start, cell: (k) => <code>{k.key_start ?? '–'}</code> },
    { key: 'state', head: words.state, cell: (k) => <StateBadge state={k.state} /> },
    { key: 'made', head: words.made, cell: (k) => <Ago at={k.created_at} /> },
    { key: 'expires', head: words.expires, cell: (k) => <Ago at={k.expires_at} never={words.never} /> },
    { key: 'used', head: words.used, cell: (k) => <Ago at={k.last_used_at} never={words.unused} /> },
    { key: 'acts', head: <span className="only-read">{words.revoke}</span>, cell: (k) => (
      k.state === 'active' ? <div className="people-acts"><Button kind="danger" label={words.revokeOf(label(k))} onClick={() => onRevoke(k)}>{words.revoke}</Button></div> : null) },
  ];
}

// Somebody's personal keys: their own, or anyone's for admins.
export function KeysPanel({ owner, mayCreate }: Props) {
  const { keys: words } = useText().people;
  const me = useSignedIn();
  const [isCreating, setCreating] = useState(false);
  const [revoked, setRevoked] = useState<UserKey | null>(null);
  const list = useList<UserKey>(keysAddress(owner.id), `keys ${owner.id}`);
  const columns = useColumns(setRevoked);
  const isActing = me.signed_in.acting !== null;
  return (
    <Panel title={words.title} flush note={isActing ? words.noActing : words.note}
      tools={mayCreate && !isActing && <Button onClick={() => setCreating(true)}>{words.create}</Button>}>
      <Loaded of={list.first} what={words.title} height={160}>
        {(page) => (page.items.length === 0 ? <Empty title={words.empty} hint={words.emptyHint} />
          : <Table caption={words.title} columns={columns} rows={list.items} rowKey={(k) => String(k.id)} />)}
      </Loaded>
      {list.more && <More list={list} />}
      {isCreating && <NewKey owner={owner} onChanged={refreshPeople} onClose={() => setCreating(false)} />}
      {revoked && <RevokeKey k={revoked} label={revoked.name || words.unnamed(revoked.key_start ?? '')} onClose={() => setRevoked(null)} />}
    </Panel>
  );
}
