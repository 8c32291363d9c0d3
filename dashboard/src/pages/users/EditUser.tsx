import { useState } from 'react';
import { change } from '@/api/call.ts';
import type { User } from '@/api/types.ts';
import { useChange } from '@/query/useChange.ts';
import { refreshPeople } from '@/panels/people/address.ts';
import { told } from '@/panels/people/faults.ts';
import { FormDialog } from '@/panels/people/FormDialog.tsx';
import { Check } from '@/ui/Check.tsx';
import { Field } from '@/ui/Field.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';
import { changesOfUser } from './changesOfUser.ts';

export function EditUser({ user, onClose }: { user: User; onClose: () => void }) {
  const { people: { users: words, form }, common } = useText();
  const me = useSignedIn();
  const [draft, setDraft] = useState({ name: user.name, email: user.email ?? '', isAdmin: user.is_admin === true });
  const [isTried, setTried] = useState(false);
  const { run, problem, isRunning } = useChange(async () => {
    const body = changesOfUser(user, draft);
    if (Object.keys(body).length > 0)
      await change('patch', '/api/users/{id}', { path: { id: user.id }, body });
  });
  const sent = told(problem, ['name', 'email']);
  const isLast = problem?.code === 'conflict' && user.is_admin === true && !draft.isAdmin;
  const submit = async (): Promise<void> => {
    setTried(true);
    if (!draft.name.trim() || !await run())
      return;
    tell(words.saved(draft.name.trim()));
    refreshPeople();
    onClose();
  };
  return (
    <FormDialog title={words.editTitle(user.name)} go={common.act.save} isRunning={isRunning} problem={sent.rest ? problem : null}
      onSubmit={() => void submit()} onClose={onClose}>
      <Field label={words.name} value={draft.name} onChange={(name) => setDraft({ ...draft, name })} fault={isTried && !draft.name.trim() ? form.required : sent.at.name} />
      <Field label={words.email} type="email" value={draft.email} onChange={(email) => setDraft({ ...draft, email })} fault={sent.at.email} />
      <Check label={words.admin} value={draft.isAdmin} onChange={(isAdmin) => setDraft({ ...draft, isAdmin })}
        hint={me.user.id === user.id ? `${words.adminHint} ${words.itsYou}` : words.adminHint} />
      {isLast && <Notice kind="warn">{words.lastAdmin}</Notice>}
    </FormDialog>
  );
}
