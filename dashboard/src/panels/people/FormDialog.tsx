import './people.css';
import type { ReactNode } from 'react';
import type { Problem } from '@/api/problem.ts';
import { Button } from '@/ui/Button.tsx';
import { Dialog } from '@/ui/Dialog.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { useText } from '@/ui/reader.tsx';

interface Props {
  title: string;
  go: string;               // the act
  isRunning: boolean;
  problem: Problem | null;  // what no field tells
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
}

// A form in a dialog.
export function FormDialog({ title, go, isRunning, problem, onSubmit, onClose, children }: Props) {
  const { act } = useText().common;
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="people-form" noValidate onSubmit={(e) => { e.preventDefault(); onSubmit(); }}>
        {children}
        {problem && <ProblemNotice problem={problem} />}
        <div className="dialog-acts">
          <Button onClick={onClose}>{act.cancel}</Button>
          <Button type="submit" kind="main" disabled={isRunning}>{go}</Button>
        </div>
      </form>
    </Dialog>
  );
}
