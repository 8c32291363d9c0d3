import { useState } from 'react';
import { change } from '@/api/call.ts';
import type { Team } from '@/api/types.ts';
import { useChange } from '@/query/useChange.ts';
import { refreshPeople } from '@/panels/people/address.ts';
import { changesOfTeam, draftOfTeam } from '@/panels/people/ceiling.ts';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';
import { TeamForm, isGoodTeam } from './TeamForm.tsx';

export function EditTeam({ team, onClose }: { team: Team; onClose: () => void }) {
  const { people: { teams: words }, common } = useText();
  const [draft, setDraft] = useState(() => draftOfTeam(team));
  const [isTried, setTried] = useState(false);
  const { run, problem, isRunning } = useChange(async () => {
    const body = changesOfTeam(team, draft);
    if (Object.keys(body).length > 0)
      await change('patch', '/api/teams/{id}', { path: { id: team.id }, body });
  });
  const submit = async (): Promise<void> => {
    setTried(true);
    if (!isGoodTeam(draft) || !await run())
      return;
    tell(words.saved(draft.name.trim()));
    refreshPeople();
    onClose();
  };
  return (
    <TeamForm title={words.editTitle(team.name)} go={common.act.save} draft={draft} onChange={setDraft} change={{ isRunning, problem, isTried }}
      onSubmit={() => void submit()} onClose={onClose} />
  );
}
