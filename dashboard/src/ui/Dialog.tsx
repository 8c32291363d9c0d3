import './Dialog.css';
import { useId, useLayoutEffect, useRef } from 'react';
import type { KeyboardEvent, ReactNode } from 'react';
import { Button } from './Button.tsx';
import { Icon } from './Icon.tsx';
import { useText } from './reader.tsx';

interface Props { title: string; onClose: () => void; children: ReactNode; wide?: boolean }

let openNow = 0;
// While one is open, what is below it stays as it is.
export const isDialogOpen = (): boolean => openNow > 0;

// The browser's own modal dialog: the focus goes in, Esc closes it, the focus goes back.
export function Dialog({ title, onClose, children, wide }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const { act } = useText().common;
  // Closed while it is still in the page: one that has been taken out gives no focus back.
  useLayoutEffect(() => {
    const d = dialog.current;
    d?.showModal();
    openNow++;
    return () => {
      d?.close();
      openNow--;
    };
  }, []);
  // A second Esc would close the browser's dialog unasked: it is never left to it. Where it comes with the focus outside, what
  // it closed is opened again, and asked.
  const onKeyDown = (e: KeyboardEvent): void => {
    if (e.key === 'Escape' && !e.defaultPrevented) {
      e.preventDefault();
      onClose();
    }
  };
  return (
    <dialog ref={dialog} className={wide ? 'dialog dialog-wide' : 'dialog'} aria-labelledby={heading}
      onKeyDown={onKeyDown} onCancel={(e) => { e.preventDefault(); onClose(); }}
      onClose={() => { if (dialog.current) { dialog.current.showModal(); onClose(); } }}>
      <div className="dialog-head">
        <h2 id={heading}>{title}</h2>
        <Button kind="quiet" label={act.close} onClick={onClose}><Icon name="close" /></Button>
      </div>
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}
