import type { ReactNode } from 'react';
import { useChange } from '@/query/useChange.ts';
import { Button } from '@/ui/Button.tsx';
import { Dialog } from '@/ui/Dialog.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { useText } from '@/ui/reader.tsx';

interface Props {
  title: string;
  go: string;                  // the act, as its button names it
  act: () => Promise<unknown>;
  onDone: () => void;
  onClose: () => void;
  conflict?: string;           // what a conflict means here
  children: ReactNode;         // what will happen
}

// Asks before something is ended, and says what that does.
export function Ask({ title, go, act, onDone, onClose, conflict, children }: Props) {
  const { common } = useText();
  const { run, problem, isRunning } = useChange(async () => { await act(); });
  const onGo = async (): Promise<void> => {
    if (!await run())
      return;
    onClose();
    onDone();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      {problem?.code === 'conflict' && conflict && <Notice kind="warn">{conflict}</Notice>}
      {problem && <ProblemNotice problem={problem} />}
      <div className="dialog-acts">
        <Button onClick={onClose}>{common.act.cancel}</Button>
        <Button kind="danger" disabled={isRunning} onClick={() => void onGo()}>{go}</Button>
      </div>
    </Dialog>
  );
}
