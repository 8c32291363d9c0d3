import { useRef, useState } from 'react';
import { change } from '@/api/call.ts';
import type { TokenWithKey } from '@/api/types.ts';
import { useChange } from '@/query/useChange.ts';
import { browserZone } from '@/time/zone.ts';
import { Button } from '@/ui/Button.tsx';
import { Dialog } from '@/ui/Dialog.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { Select } from '@/ui/Select.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { KeyDialog } from './KeyDialog.tsx';
import { onceKey } from './once.ts';
import type { DialogProps } from './RevokeToken.tsx';
import { UsedBy } from './UsedBy.tsx';

const GRACES = ['0', '3600', '86400', '604800', '2592000'] as const;
type Grace = (typeof GRACES)[number];

// Until when the key of now works: no longer than its token.
function useGrace(expiresAt: string | null) {
  const { rotate: words } = useText().tokens;
  const format = useFormat();
  const [now] = useState(() => Date.now());
  const name = (g: Grace): string => (g === '0' ? words.at_once
    : Number(g) <= 86400 ? words.hours(format.exact(Number(g) / 3600)) : words.days(format.exact(Number(g) / 86400)));
  const end = (g: Grace): string => {
    const at = Math.min(now + Number(g) * 1000, expiresAt ? new Date(expiresAt).getTime() : Infinity);
    return g === '0' ? '' : words.until(format.instant(new Date(at)), browserZone());
  };
  return { options: GRACES.map((g) => ({ value: g, label: name(g) })), end };
}

// The list is asked for anew once the key is put away: this dialog stands in a row of it, and would go with the row. Nor does
// it close while its key is on the way.
export function RotateToken({ token, onChanged, onClose }: DialogProps) {
  const { tokens: { rotate: words }, common } = useText();
  const [grace, setGrace] = useState<Grace>('86400');
  const [made, setMade] = useState<TokenWithKey | null>(null);
  const once = useRef(onceKey());
  const { options, end } = useGrace(token.expires_at);
  const { run, problem, isRunning } = useChange(async () => {
    setMade(await change('post', '/api/tokens/{id}/rotate', {
      path: { id: token.id }, body: { grace_s: Number(grace) }, headers: { 'Idempotency-Key': `${once.current}-${grace}` },
    }));
  });
  const close = (): void => { if (!isRunning) onClose(); };
  if (made)
    return <KeyDialog made={made} kind="rotated" onClose={() => { onClose(); onChanged(); }} />;
  return (
    <Dialog title={words.title(token.name)} onClose={close}>
      <p>{words.what}</p>
      <UsedBy token={token} />
      <Select label={words.grace} value={grace} options={options} onChange={setGrace} hint={end(grace)} />
      {problem && <ProblemNotice problem={problem} />}
      <div className="dialog-acts">
        <Button disabled={isRunning} onClick={close}>{common.act.cancel}</Button>
        <Button kind="main" disabled={isRunning} onClick={() => void run()}>{words.go}</Button>
      </div>
    </Dialog>
  );
}
