import { useState } from 'react';
import { change } from '@/api/call.ts';
import { useChange } from '@/query/useChange.ts';
import { refreshPeople } from '@/panels/people/address.ts';
import { told } from '@/panels/people/faults.ts';
import { FormDialog } from '@/panels/people/FormDialog.tsx';
import { Check } from '@/ui/Check.tsx';
import { Field } from '@/ui/Field.tsx';
import { Select } from '@/ui/Select.tsx';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';
import { hrefOf } from '@/url/pages.ts';
import { go } from '@/url/place.ts';

type Kind = 'person' | 'service';
const KINDS: readonly Kind[] = ['person', 'service'];

export function CreateUser({ onClose }: { onClose: () => void }) {
  const { users: words, kind: kinds, form } = useText().people;
  const [kind, setKind] = useState<Kind>('person');
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [isAdmin, setAdmin] = useState(false);
  const [isTried, setTried] = useState(false);
  const { run, problem, isRunning } = useChange(async () => {
    const user = await change('post', '/api/users', { body: { kind, name: name.trim(), is_admin: isAdmin, ...(email.trim() ? { email: email.trim() } : {}) } });
    tell(words.made(user.name));
    refreshPeople();
    go(hrefOf({ name: 'user', id: user.id }));
  });
  const sent = told(problem, ['name', 'email']);
  const submit = (): void => {
    setTried(true);
    if (name.trim())
      void run();
  };
  return (
    <FormDialog title={words.createTitle} go={words.create} isRunning={isRunning} problem={sent.rest ? problem : null} onSubmit={submit} onClose={onClose}>
      <Select<Kind> label={words.kind} value={kind} onChange={setKind} hint={words.kindHint} options={KINDS.map((k) => ({ value: k, label: kinds[k] }))} />
      <Field label={words.name} value={name} onChange={setName} fault={isTried && !name.trim() ? form.required : sent.at.name} />
      <Field label={words.email} type="email" value={email} onChange={setEmail} fault={sent.at.email} />
      <Check label={words.admin} value={isAdmin} onChange={setAdmin} hint={words.adminHint} />
    </FormDialog>
  );
}
