import './people.css';
import { useState } from 'react';
import { Button } from '@/ui/Button.tsx';
import { Copy } from '@/ui/Copy.tsx';
import { Dialog } from '@/ui/Dialog.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { useText } from '@/ui/reader.tsx';

// The key is in this dialog's memory alone; who has not copied it is asked before it closes.
export function ShownKey({ value, onClose }: { value: string; onClose: () => void }) {
  const { keys: words } = useText().people;
  const [isCopied, setCopied] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const close = (): void => (isCopied ? onClose() : setAsking(true));
  const copied = (): void => { setCopied(true); setAsking(false); };
  return (
    <Dialog title={words.shown} onClose={close}>
      <p>{words.once}</p>
      <div className="people-key" onCopy={copied}>
        <code className="people-key-text" tabIndex={0} role="textbox" aria-readonly="true" aria-label={words.label}>{value}</code>
        <Copy text={value} onCopied={copied}>{words.copy}</Copy>
      </div>
      {isAsking && <Notice kind="warn" acts={<Button kind="danger" onClick={onClose}>{words.closeAnyway}</Button>}>{words.uncopied}</Notice>}
      <div className="dialog-acts"><Button kind="main" onClick={close}>{words.done}</Button></div>
    </Dialog>
  );
}
