import { useState } from 'react';
import { change } from '@/api/call.ts';
import type { Token, TokenSwitched } from '@/api/types.ts';
import { useChange } from '@/query/useChange.ts';
import { Button } from '@/ui/Button.tsx';
import { Dialog } from '@/ui/Dialog.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { UsedBy } from './UsedBy.tsx';

export interface DialogProps { token: Token; onChanged: () => void; onClose: () => void }
const WAIT_MS = 5000;

// Which gateways refuse it by now, and how fast they knew.
function Confirmed({ by }: { by: TokenSwitched }) {
  const { revoke: words } = useText().tokens;
  const format = useFormat();
  const confirmed = by.confirmed ?? [];
  const silent = by.silent ?? [];
  const all = confirmed.length + silent.length;
  const ms = format.ms(Math.max(0, ...confirmed.map((c) => c.after_ms)));
  if (all === 0)
    return <Notice kind="warn">{words.unknownNodes}</Notice>;
  return (
    <Notice kind={by.complete ? 'good' : 'warn'}>
      <p>{all === 1 && by.complete ? words.confirmedOne(ms) : words.confirmed(format.exact(confirmed.length), format.exact(all), ms)}</p>
      {silent.length > 0 && <p>{words.silent(format.list(silent.map((s) => s.name)))}</p>}
    </Notice>
  );
}

export function RevokeToken({ token, onChanged, onClose }: DialogProps) {
  const { tokens: { revoke: words }, common } = useText();
  const [done, setDone] = useState<TokenSwitched | null>(null);
  const { run, problem, isRunning } = useChange(async () => {
    setDone(await change('post', '/api/tokens/{id}/revoke', { path: { id: token.id }, query: { wait: WAIT_MS } }));
  });
  const close = (): void => {
    onClose();
    if (done)
      onChanged();
  };
  return (
    <Dialog title={done ? words.done(token.name) : words.title(token.name)} onClose={close}>
      {done ? <Confirmed by={done} /> : <><p>{words.what}</p><UsedBy token={token} /></>}
      {isRunning && <p role="status" className="soft">{words.going}</p>}
      {problem && <ProblemNotice problem={problem} />}
      <div className="dialog-acts">
        <Button onClick={close}>{done ? common.act.close : common.act.cancel}</Button>
        {!done && <Button kind="danger" disabled={isRunning} onClick={() => void run()}>{words.go}</Button>}
      </div>
    </Dialog>
  );
}
