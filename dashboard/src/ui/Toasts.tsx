import './Toasts.css';
import { useSyncExternalStore } from 'react';
import { Button } from './Button.tsx';
import { Icon } from './Icon.tsx';
import { dropToast, readToasts, watchToasts } from './toasts.ts';
import { useText } from './reader.tsx';

export function Toasts() {
  const toasts = useSyncExternalStore(watchToasts, readToasts);
  const { act } = useText().common;
  return (
    <div className="toasts" role="status">
      {toasts.map((t) => (
        <div key={t.id} className={`toast toast-${t.kind}`}>
          <span>{t.text}</span>
          {t.undo && <Button kind="quiet" onClick={() => { t.undo?.(); dropToast(t.id); }}>{act.undo}</Button>}
          <Button kind="quiet" label={act.close} onClick={() => dropToast(t.id)}><Icon name="close" /></Button>
        </div>
      ))}
    </div>
  );
}
