import './KeyDialog.css';
import { useEffect, useState } from 'react';
import type { TokenWithKey } from '@/api/types.ts';
import { Button } from '@/ui/Button.tsx';
import { Copy } from '@/ui/Copy.tsx';
import { Dialog } from '@/ui/Dialog.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { useText } from '@/ui/reader.tsx';
import { FirstCall } from './FirstCall.tsx';
import { HowTo } from './HowTo.tsx';
import { Overlap } from './Overlap.tsx';

interface Props { made: TokenWithKey; kind: 'created' | 'rotated'; onClose: () => void }

function TheKey({ value, onCopied }: { value: string; onCopied: () => void }) {
  const { key: words } = useText().tokens;
  return (
    <div className="the-key" onCopy={onCopied}>
      <code className="the-key-text" tabIndex={0} role="textbox" aria-readonly="true" aria-label={words.label}>{value}</code>
      <Copy text={value} onCopied={onCopied}>{words.copyKey}</Copy>
    </div>
  );
}

// The key is in this dialog's memory alone, and gone with it: who has not copied it is asked before it closes.
export function KeyDialog({ made, kind, onClose }: Props) {
  const { key: words } = useText().tokens;
  const [isCopied, setCopied] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const isUnsaved = made.key !== null && !isCopied;
  useEffect(() => {
    if (!isUnsaved)
      return;
    const ask = (e: BeforeUnloadEvent): void => e.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [isUnsaved]);
  const close = (): void => (!isUnsaved ? onClose() : setAsking(true));
  return (
    <Dialog title={words[kind](made.name)} onClose={close} wide>
      {made.key === null ? <Notice kind="warn">{words.shownBefore}</Notice> : (
        <>
          <p>{words.once}</p>
          <TheKey value={made.key} onCopied={() => { setCopied(true); setAsking(false); }} />
          {isAsking && (
            <Notice kind="warn" acts={<><Copy text={made.key} onCopied={() => { setCopied(true); setAsking(false); }}>{words.copyKey}</Copy>
              <Button kind="danger" onClick={onClose}>{words.closeAnyway}</Button></>}>{words.uncopied}</Notice>
          )}
          <HowTo scopes={made.scopes} secret={made.key} onCopied={() => setCopied(true)} />
        </>
      )}
      {kind === 'created' ? <FirstCall token={made} /> : <Overlap token={made} />}
      <div className="dialog-acts"><Button kind="main" onClick={close}>{words.done}</Button></div>
    </Dialog>
  );
}
