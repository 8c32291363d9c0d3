import type { Me } from '@/api/types.ts';
import { Button } from '@/ui/Button.tsx';
import { Copy } from '@/ui/Copy.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { useText } from '@/ui/reader.tsx';
import { useSignOut } from './useSignOut.ts';

// Signed in, but nobody has given them anything yet: what to tell an admin, never zeros that look like data.
export function NoRole({ me }: { me: Me }) {
  const { signIn: words, act } = useText().common;
  const signOut = useSignOut();
  return (
    <main id="main">
      <h1 className="only-read">{words.noRole}</h1>
      <Empty title={words.noRole}
        hint={me.advice && <><p>{words.noRoleHint}</p><p><code>{me.advice}</code> <Copy text={me.advice} /></p></>}
        acts={<Button onClick={signOut}>{act.signOut}</Button>} />
    </main>
  );
}
