import { useRef, useState } from 'react';
import { change } from '@/api/call.ts';
import type { TokenWithKey } from '@/api/types.ts';
import { browserZone } from '@/time/zone.ts';
import { Dialog } from '@/ui/Dialog.tsx';
import { managedTeams, useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { bodyOf, emptyDraft } from './draft.ts';
import { KeyDialog } from './KeyDialog.tsx';
import { onceKey } from './once.ts';
import { SubmitActs, TokenForm } from './TokenForm.tsx';
import { useForm } from './useForm.ts';

interface Sent { body: string; key: string }

// The same form sent again, because its answer was lost, is not another token. It does not close while its key is on the way.
export function CreateToken({ onChanged, onClose }: { onChanged: () => void; onClose: () => void }) {
  const { form: words, create } = useText().tokens;
  const me = useSignedIn();
  const [made, setMade] = useState<TokenWithKey | null>(null);
  const sent = useRef<Sent | null>(null);
  const opened = useRef(new Date());
  const own = me.may.administer ? undefined : managedTeams(me)[0];
  const form = useForm(emptyDraft(own ? String(own.id) : ''), async (d) => {
    const before = JSON.stringify(d);
    if (sent.current?.body !== before)
      sent.current = { body: before, key: onceKey() };
    setMade(await change('post', '/api/tokens', {
      body: bodyOf(d, opened.current, browserZone()), headers: { 'Idempotency-Key': sent.current.key },
    }));
    onChanged();
  });
  const close = (): void => { if (!form.isRunning) onClose(); };
  if (made)
    return <KeyDialog made={made} kind="created" onClose={onClose} />;
  return (
    <Dialog title={words.create} onClose={close}>
      <TokenForm draft={form.draft} onChange={form.setDraft} problem={form.problem} own={form.own} onSubmit={() => void form.submit()}
        acts={<SubmitActs go={create} onClose={close} isRunning={form.isRunning} />} />
    </Dialog>
  );
}
