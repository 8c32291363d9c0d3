// Disables and enables a token at once; the way back is in the toast.
import { change } from '@/api/call.ts';
import { asProblem } from '@/api/problem.ts';
import type { Token } from '@/api/types.ts';
import { problemTitle } from '@/ui/ProblemNotice.tsx';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';

export function useSwitch(token: Pick<Token, 'id' | 'name'>, onChanged: () => void): (on: boolean) => void {
  const texts = useText();
  const { disable: words } = texts.tokens;
  const set = async (on: boolean): Promise<void> => {
    try {
      const path = { id: token.id };
      await (on ? change('post', '/api/tokens/{id}/enable', { path }) : change('post', '/api/tokens/{id}/disable', { path }));
      tell(on ? words.enabled(token.name) : words.done(token.name), { undo: () => void set(!on) });
    } catch (e) {
      tell(words.failed(token.name, problemTitle(asProblem(e), texts)), { kind: 'bad' });
    }
    onChanged();
  };
  return (on) => void set(on);
}
