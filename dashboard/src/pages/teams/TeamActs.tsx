import { useState } from 'react';
import { change } from '@/api/call.ts';
import type { Team } from '@/api/types.ts';
import { refreshPeople } from '@/panels/people/address.ts';
import { Ask } from '@/panels/people/Ask.tsx';
import { Button } from '@/ui/Button.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { useChange } from '@/query/useChange.ts';
import { useFormat, useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';
import { hrefOf } from '@/url/pages.ts';
import { go } from '@/url/place.ts';
import { EditTeam } from './EditTeam.tsx';

interface Props { team: Team; onClose: () => void }

function DisableTeam({ team, onClose }: Props) {
  const { teams: words } = useText().people;
  const format = useFormat();
  return (
    <Ask title={words.disableTitle(team.name)} go={words.disable} onClose={onClose}
      act={() => change('patch', '/api/teams/{id}', { path: { id: team.id }, body: { disabled: true } })}
      onDone={() => { tell(words.disabled(team.name)); refreshPeople(); }}>
      <p>{words.disableWhat(team.tokens, format.exact(team.tokens))}</p>
    </Ask>
  );
}

function DeleteTeam({ team, onClose }: Props) {
  const { teams: words } = useText().people;
  const format = useFormat();
  const more = words.removeTokens(team.tokens, format.exact(team.tokens));
  return (
    <Ask title={words.removeTitle(team.name)} go={words.remove} onClose={onClose}
      act={() => change('delete', '/api/teams/{id}', { path: { id: team.id } })}
      onDone={() => { tell(words.removed(team.name)); go(hrefOf({ name: 'teams' })); refreshPeople(); }}>
      <p>{words.removeWhat}</p>
      {team.tokens > 0 && <Notice kind="warn">{more}</Notice>}
    </Ask>
  );
}

function EnableTeam({ team }: { team: Team }) {
  const { teams: words } = useText().people;
  const { run, problem, isRunning } = useChange(async () => {
    await change('patch', '/api/teams/{id}', { path: { id: team.id }, body: { disabled: false } });
    tell(words.enabled(team.name));
    refreshPeople();
  });
  return (
    <>
      <Button disabled={isRunning} onClick={() => void run()}>{words.enable}</Button>
      {problem && <ProblemNotice problem={problem} />}
    </>
  );
}

// What admins do with a team as a whole.
export function TeamActs({ team }: { team: Team }) {
  const { teams: words } = useText().people;
  const [open, setOpen] = useState<'edit' | 'disable' | 'remove' | null>(null);
  const close = (): void => setOpen(null);
  return (
    <>
      <Button onClick={() => setOpen('edit')}>{words.edit}</Button>
      {team.state === 'disabled' ? <EnableTeam team={team} /> : <Button kind="danger" onClick={() => setOpen('disable')}>{words.disable}</Button>}
      <Button kind="danger" onClick={() => setOpen('remove')}>{words.remove}</Button>
      {open === 'edit' && <EditTeam team={team} onClose={close} />}
      {open === 'disable' && <DisableTeam team={team} onClose={close} />}
      {open === 'remove' && <DeleteTeam team={team} onClose={close} />}
    </>
  );
}
