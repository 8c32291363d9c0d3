import { useState } from 'react';
import { change } from '@/api/call.ts';
import type { User, UserIdentity } from '@/api/types.ts';
import { useChange } from '@/query/useChange.ts';
import { useList } from '@/query/useList.ts';
import { identitiesAddress, refreshPeople } from '@/panels/people/address.ts';
import { Ask } from '@/panels/people/Ask.tsx';
import { told } from '@/panels/people/faults.ts';
import { FormDialog } from '@/panels/people/FormDialog.tsx';
import { More } from '@/panels/people/More.tsx';
import { Ago } from '@/ui/Ago.tsx';
import { Button } from '@/ui/Button.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { Field } from '@/ui/Field.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { Table } from '@/ui/Table.tsx';
import type { Column } from '@/ui/Table.tsx';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';

function AddIdentity({ user, onClose }: { user: User; onClose: () => void }) {
  const { identities: words, form } = useText().people;
  const [issuer, setIssuer] = useState('');
  const [subject, setSubject] = useState('');
  const [isTried, setTried] = useState(false);
  const { run, problem, isRunning } = useChange(async () => {
    await change('post', '/api/users/{id}/identities', { path: { id: user.id }, body: { issuer: issuer.trim(), subject: subject.trim() } });
    tell(words.added);
    refreshPeople();
  });
  const sent = told(problem, ['issuer', 'subject']);
  const missing = (text: string): string | undefined => (isTried && !text.trim() ? form.required : undefined);
  const submit = async (): Promise<void> => {
    setTried(true);
    if (issuer.trim() && subject.trim() && await run())
      onClose();
  };
  return (
    <FormDialog title={words.addTitle(user.name)} go={words.add} isRunning={isRunning} problem={sent.rest ? problem : null} onSubmit={() => void submit()} onClose={onClose}>
      <Field label={words.issuer} value={issuer} onChange={setIssuer} hint={words.issuerHint} fault={missing(issuer) ?? sent.at.issuer} />
      <Field label={words.subject} value={subject} onChange={setSubject} hint={words.subjectHint} fault={missing(subject) ?? sent.at.subject} />
    </FormDialog>
  );
}

function RemoveIdentity({ identity, onClose }: { identity: UserIdentity; onClose: () => void }) {
  const { identities: words } = useText().people;
  return (
    <Ask title={words.removeTitle(identity.subject)} go={words.remove} onClose={onClose}
      act={() => change('delete', '/api/users/{id}/identities/{identity_id}', { path: { id: identity.user_id, identity_id: identity.id } })}
      onDone={() => { tell(words.removed); refreshPeople(); }}>
      <p>{words.removeWhat}</p>
    </Ask>
  );
}

// Whom sign-in providers mean by a user.
export function Identities({ user }: { user: User }) {
  const { identities: words } = useText().people;
  const [open, setOpen] = useState<UserIdentity | 'add' | null>(null);
  const list = useList<UserIdentity>(identitiesAddress(user.id), `identities ${user.id}`);
  const columns: Column<UserIdentity>[] = [
    { key: 'subject', head: words.subject, isHead: true, cell: (i) => <code className="people-long">{i.subject}</code> },
    { key: 'issuer', head: words.issuer, cell: (i) => <span className="people-long">{i.issuer}</span> },
    { key: 'made', head: words.made, cell: (i) => <Ago at={i.created_at} /> },
    { key: 'acts', head: <span className="only-read">{words.remove}</span>, cell: (i) => (
      <div className="people-acts"><Button kind="danger" label={words.removeOf(i.subject)} onClick={() => setOpen(i)}>{words.remove}</Button></div>) },
  ];
  return (
    <Panel title={words.title} flush note={user.kind === 'service' ? words.service : words.note}
      tools={user.kind === 'person' && user.state !== 'removed' && <Button onClick={() => setOpen('add')}>{words.add}</Button>}>
      <Loaded of={list.first} what={words.title} height={160}>
        {(page) => (page.items.length === 0 ? <Empty title={words.empty} hint={words.emptyHint} />
          : <Table caption={words.title} columns={columns} rows={list.items} rowKey={(i) => String(i.id)} />)}
      </Loaded>
      {list.more && <More list={list} />}
      {open === 'add' && <AddIdentity user={user} onClose={() => setOpen(null)} />}
      {open !== null && open !== 'add' && <RemoveIdentity identity={open} onClose={() => setOpen(null)} />}
    </Panel>
  );
}
