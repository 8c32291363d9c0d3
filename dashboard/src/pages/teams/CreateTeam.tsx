import { useState } from 'react';
import { change } from '@/api/call.ts';
import { useChange } from '@/query/useChange.ts';
import { refreshPeople } from '@/panels/people/address.ts';
import { EMPTY_TEAM, bodyOfTeam } from '@/panels/people/ceiling.ts';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';
import { hrefOf } from '@/url/pages.ts';
import { go } from '@/url/place.ts';
import { TeamForm, isGoodTeam } from './TeamForm.tsx';

export function CreateTeam({ onClose }: { onClose: () => void }) {
  const { teams: words } = useText().people;
  const [draft, setDraft] = useState(EMPTY_TEAM);
  const [isTried, setTried] = useState(false);
  const { run, problem, isRunning } = useChange(async () => {
    const team = await change('post', '/api/teams', { body: bodyOfTeam(draft) });
    tell(words.created_(team.name));
    refreshPeople();
    go(hrefOf({ name: 'team', id: team.id }));
  });
  const submit = (): void => {
    setTried(true);
    if (isGoodTeam(draft))
      void run();
  };
  return <TeamForm title={words.createTitle} go={words.create} draft={draft} onChange={setDraft} change={{ isRunning, problem, isTried }} onSubmit={submit} onClose={onClose} />;
}
