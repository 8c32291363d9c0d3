import { useState } from 'react';
import { change } from '@/api/call.ts';
import type { User } from '@/api/types.ts';
import { refreshPeople } from '@/panels/people/address.ts';
import { Ask } from '@/panels/people/Ask.tsx';
import { useChange } from '@/query/useChange.ts';
import { Button } from '@/ui/Button.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';
import { hrefOf } from '@/url/pages.ts';
import { go } from '@/url/place.ts';
import { EditUser } from './EditUser.tsx';

interface Props { user: User; onClose: () => void }

const set = (user: User, disabled: boolean): Promise<unknown> => change('patch', '/api/users/{id}', { path: { id: user.id }, body: { disabled } });

function DisableUser({ user, onClose }: Props) {
  const { users: words } = useText().people;
  const me = useSignedIn();
  return (
    <Ask title={words.disableTitle(user.name)} go={words.disable} onClose={onClose} conflict={words.lastAdmin} act={() => set(user, true)}
      onDone={() => { tell(words.disabled(user.name)); refreshPeople(); }}>
      <p>{words.disableWhat}</p>
      {me.user.id === user.id && <p className="warn">{words.itsYouDisable}</p>}
    </Ask>
  );
}

function RemoveUser({ user, onClose }: Props) {
  const { users: words } = useText().people;
  const me = useSignedIn();
  return (
    <Ask title={words.removeTitle(user.name)} go={words.remove} onClose={onClose} conflict={words.lastAdmin}
      act={() => change('delete', '/api/users/{id}', { path: { id: user.id } })}
      onDone={() => { tell(words.removed(user.name)); go(hrefOf({ name: 'users' })); refreshPeople(); }}>
      <p>{words.removeWhat}</p>
      {me.user.id === user.id && <p className="warn">{words.itsYou}</p>}
    </Ask>
  );
}

// Of who was removed: they come back without what they had.
export function LetIn({ user, onClose }: Props) {
  const { users: words } = useText().people;
  return (
    <Ask title={words.letInTitle(user.name)} go={words.letIn} onClose={onClose} act={() => set(user, false)}
      onDone={() => { tell(words.letInDone(user.name)); refreshPeople(); }}>
      <p>{words.letInWhat}</p>
    </Ask>
  );
}

function Enable({ user }: { user: User }) {
  const { users: words } = useText().people;
  const { run, problem, isRunning } = useChange(async () => {
    await set(user, false);
    tell(words.enabled(user.name));
    refreshPeople();
  });
  return (
    <>
      <Button disabled={isRunning} onClick={() => void run()}>{words.enable}</Button>
      {problem && <ProblemNotice problem={problem} />}
    </>
  );
}

// What admins do with a user.
export function UserActs({ user }: { user: User }) {
  const { users: words } = useText().people;
  const [open, setOpen] = useState<'edit' | 'disable' | 'remove' | 'letIn' | null>(null);
  const close = (): void => setOpen(null);
  if (user.state === 'removed')
    return <><Button kind="main" onClick={() => setOpen('letIn')}>{words.letIn}</Button>{open === 'letIn' && <LetIn user={user} onClose={close} />}</>;
  return (
    <>
      <Button onClick={() => setOpen('edit')}>{words.edit}</Button>
      {user.state === 'disabled' ? <Enable user={user} /> : <Button kind="danger" onClick={() => setOpen('disable')}>{words.disable}</Button>}
      <Button kind="danger" onClick={() => setOpen('remove')}>{words.remove}</Button>
      {open === 'edit' && <EditUser user={user} onClose={close} />}
      {open === 'disable' && <DisableUser user={user} onClose={close} />}
      {open === 'remove' && <RemoveUser user={user} onClose={close} />}
    </>
  );
}
