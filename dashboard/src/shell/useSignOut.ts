// Signs out, and tells where that failed: one is still signed in then.
import { asProblem } from '@/api/problem.ts';
import { signOut } from '@/query/session.ts';
import { problemTitle } from '@/ui/ProblemNotice.tsx';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';

export function useSignOut(): () => void {
  const texts = useText();
  return () => { signOut(false).catch((e: unknown) => tell(problemTitle(asProblem(e), texts), { kind: 'bad' })); };
}
