import { useState } from 'react';
import { Dialog } from '@/ui/Dialog.tsx';
import { useText } from '@/ui/reader.tsx';
import { keysAreOn, setKeysOn } from '@/ui/useKeys.ts';

export function KeysHelp({ onClose }: { onClose: () => void }) {
  const { keys } = useText().common;
  const [isOn, setOn] = useState(keysAreOn);
  const list = [['/', keys.search], ['?', keys.help], ['←', keys.back], ['→', keys.forward], ['Esc', keys.clear]];
  return (
    <Dialog title={keys.title} onClose={onClose}>
      <dl className="keys-list">
        {list.map(([key, what]) => <div key={key} style={{ display: 'contents' }}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}
      </dl>
      <label><input type="checkbox" checked={isOn} onChange={(e) => { setOn(e.target.checked); setKeysOn(e.target.checked); }} /> {keys.off}</label>
    </Dialog>
  );
}
