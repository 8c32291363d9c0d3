import { change } from '@/api/call.ts';
import { browserZone } from '@/time/zone.ts';
import { Dialog } from '@/ui/Dialog.tsx';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';
import { changesOf, draftOf } from './draft.ts';
import type { DialogProps } from './RevokeToken.tsx';
import { SubmitActs, TokenForm } from './TokenForm.tsx';
import { useForm } from './useForm.ts';

export function EditToken({ token, onChanged, onClose }: DialogProps) {
  const { tokens: { form: words }, common } = useText();
  const form = useForm(draftOf(token), async (d) => {
    const body = changesOf(token, d, new Date(), browserZone());
    if (Object.keys(body).length > 0)
      await change('patch', '/api/tokens/{id}', { path: { id: token.id }, body });
    tell(Object.keys(body).length > 0 ? words.saved(d.name.trim()) : words.nothingChanged);
  });
  const submit = async (): Promise<void> => {
    if (await form.submit()) {
      onClose();
      onChanged();
    }
  };
  return (
    <Dialog title={words.edit(token.name)} onClose={onClose}>
      <TokenForm draft={form.draft} onChange={form.setDraft} token={token} problem={form.problem} own={form.own} onSubmit={() => void submit()}
        acts={<SubmitActs go={common.act.save} onClose={onClose} isRunning={form.isRunning} />} />
    </Dialog>
  );
}
