import { useState } from 'react';
import { change } from '@/api/call.ts';
import type { AccessRequest } from '@/api/types.ts';
import { useChange } from '@/query/useChange.ts';
import { refreshPeople } from '@/panels/people/address.ts';
import { told } from '@/panels/people/faults.ts';
import { FormDialog } from '@/panels/people/FormDialog.tsx';
import { RoleSelect } from '@/panels/people/RoleSelect.tsx';
import { TeamPicker } from '@/panels/people/TeamPicker.tsx';
import { UserPicker } from '@/panels/people/UserPicker.tsx';
import { Check } from '@/ui/Check.tsx';
import { Field } from '@/ui/Field.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { Select } from '@/ui/Select.tsx';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';
import { bodyOfGrant } from './grant.ts';
import type { Grant } from './grant.ts';

interface Props { request: AccessRequest; who: string; onClose: () => void }
type Set = (part: Partial<Grant>) => void;

function AsNew({ grant, set, faults }: { grant: Grant; set: Set; faults: { name?: string; email?: string } }) {
  const { users: words } = useText().people;
  return (
    <>
      <Field label={words.name} value={grant.name} onChange={(name) => set({ name })} fault={faults.name} />
      <Field label={words.email} type="email" value={grant.email} onChange={(email) => set({ email })} fault={faults.email} />
      <Check label={words.admin} value={grant.isAdmin} onChange={(isAdmin) => set({ isAdmin })} hint={words.adminHint} />
    </>
  );
}

// As a new user, or as one who is there; with a role in a team, so that there is something to see.
export function GrantRequest({ request, who, onClose }: Props) {
  const { requests: words, form } = useText().people;
  const [grant, setGrant] = useState<Grant>({ as: 'new', user: '', name: request.name ?? '', email: request.email ?? '', isAdmin: false, team: '', role: 'viewer' });
  const [isTried, setTried] = useState(false);
  const { run, problem, isRunning } = useChange(async () => {
    const user = await change('post', '/api/access-requests/{id}/grant', { path: { id: request.id }, body: bodyOfGrant(grant) });
    tell(words.granted(user.name));
    refreshPeople();
  });
  const set: Set = (part) => setGrant({ ...grant, ...part });
  const sent = told(problem, ['name', 'email', 'user_id', 'team_id', 'role']);
  const isMissing = grant.as === 'existing' && grant.user === '';
  const submit = async (): Promise<void> => {
    setTried(true);
    if (!isMissing && await run())
      onClose();
  };
  return (
    <FormDialog title={words.grantTitle(who)} go={words.go} isRunning={isRunning} problem={sent.rest ? problem : null} onSubmit={() => void submit()} onClose={onClose}>
      <Select<Grant['as']> label={words.as} value={grant.as} onChange={(as) => set({ as })}
        options={[{ value: 'new', label: words.asNew }, { value: 'existing', label: words.asExisting }]} />
      {grant.as === 'new' ? <AsNew grant={grant} set={set} faults={sent.at} />
        : <UserPicker value={grant.user} onChange={(user) => set({ user })} fault={isTried && isMissing ? form.required : sent.at.user_id} />}
      <TeamPicker label={words.team} none={words.noTeam} value={grant.team} onChange={(team) => set({ team })} fault={sent.at.team_id} />
      {grant.team !== '' && <RoleSelect value={grant.role} onChange={(role) => set({ role })} />}
      {grant.as === 'new' && grant.team === '' && !grant.isAdmin && <Notice kind="info">{words.noRole}</Notice>}
    </FormDialog>
  );
}
