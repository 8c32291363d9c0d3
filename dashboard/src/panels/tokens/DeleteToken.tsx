import { change } from '@/api/call.ts';
import { useChange } from '@/query/useChange.ts';
import { Button } from '@/ui/Button.tsx';
import { Dialog } from '@/ui/Dialog.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';
import type { DialogProps } from './RevokeToken.tsx';
import { UsedBy } from './UsedBy.tsx';

export function DeleteToken({ token, onChanged, onClose }: DialogProps) {
  const { tokens: { remove: words }, common } = useText();
  const { run, problem, isRunning } = useChange(async () => {
    await change('delete', '/api/tokens/{id}', { path: { id: token.id } });
  });
  const go = async (): Promise<void> => {
    if (!await run())
      return;
    tell(words.done(token.name));
    onClose();
    onChanged();
  };
  return (
    <Dialog title={words.title(token.name)} onClose={onClose}>
      <p>{words.what}</p>
      {token.state !== 'revoked' && <UsedBy token={token} />}
      {problem && <ProblemNotice problem={problem} />}
      <div className="dialog-acts">
        <Button onClick={onClose}>{common.act.cancel}</Button>
        <Button kind="danger" disabled={isRunning} onClick={() => void go()}>{words.go}</Button>
      </div>
    </Dialog>
  );
}
