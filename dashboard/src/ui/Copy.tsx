import { useRef, useState } from 'react';
import { Button } from './Button.tsx';
import { Icon } from './Icon.tsx';
import { useText } from './reader.tsx';

// False where the browser has no clipboard (plain http off localhost), or does not let us.
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

// Copies, and says aloud that it did.
interface Props { text: string; children?: string; label?: string; onCopied?: () => void }

export function Copy({ text, children, label, onCopied }: Props) {
  const { act } = useText().common;
  const [told, setTold] = useState('');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const copy = async (): Promise<void> => {
    const isDone = await copyText(text);
    setTold(isDone ? act.copied : act.copyFailed);
    if (isDone)
      onCopied?.();
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setTold(''), 3000);
  };
  return (
    <>
      <Button kind="quiet" onClick={() => void copy()} {...(label ? { label } : {})}>
        <Icon name={told === act.copied ? 'check' : 'copy'} />{told || children || (label ? null : act.copy)}
      </Button>
      <span role="status" className="only-read">{told}</span>
    </>
  );
}
