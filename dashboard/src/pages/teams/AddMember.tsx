import { useState } from 'react';
import { change } from '@/api/call.ts';
import type { Team } from '@/api/types.ts';
import { useChange } from '@/query/useChange.ts';
import { refreshPeople } from '@/panels/people/address.ts';
import { FormDialog } from '@/panels/people/FormDialog.tsx';
import { RoleSelect } from '@/panels/people/RoleSelect.tsx';
import type { Role } from '@/panels/people/RoleSelect.tsx';
import { UserPicker } from '@/panels/people/UserPicker.tsx';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';

export function AddMember({ team, onClose }: { team: Team; onClose: () => void }) {
  const { teams: words, form } = useText().people;
  const [id, setId] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [isTried, setTried] = useState(false);
  const { run, problem, isRunning } = useChange(async () => {
    const changed = await change('put', '/api/teams/{id}/members/{user_id}', { path: { id: team.id, user_id: Number(id) }, body: { role } });
    tell(words.added(changed.members.find((m) => String(m.id) === id)?.name ?? id, team.name));
    refreshPeople();
  });
  const submit = async (): Promise<void> => {
    setTried(true);
    if (id !== '' && await run())
      onClose();
  };
  return (
    <FormDialog title={words.addTitle(team.name)} go={words.addMember} isRunning={isRunning} problem={problem} onSubmit={() => void submit()} onClose={onClose}>
      <UserPicker value={id} onChange={setId} without={team.members.map((m) => m.id)} fault={isTried && id === '' ? form.required : undefined} />
      <RoleSelect value={role} onChange={setRole} />
    </FormDialog>
  );
}
