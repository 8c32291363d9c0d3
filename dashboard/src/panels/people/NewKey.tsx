import { useState } from 'react';
import { change } from '@/api/call.ts';
import type { UserKeyShown } from '@/api/types.ts';
import { useChange } from '@/query/useChange.ts';
import { PRESET_DAYS, presetDate } from '@/panels/tokens/expiry.ts';
import type { Preset } from '@/panels/tokens/expiry.ts';
import { browserZone } from '@/time/zone.ts';
import { Field } from '@/ui/Field.tsx';
import { Select } from '@/ui/Select.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { told } from './faults.ts';
import { FormDialog } from './FormDialog.tsx';
import type { KeyOwner } from './KeysPanel.tsx';
import { ShownKey } from './ShownKey.tsx';

interface Props { owner: KeyOwner; onChanged: () => void; onClose: () => void }
type Ends = Preset | 'never';
const PRESETS: readonly Preset[] = PRESET_DAYS.map((d) => `${d}` as const);

function EndsField({ value, isService, now, onChange, fault }: { value: Ends; isService: boolean; now: Date; onChange: (e: Ends) => void; fault: string | undefined }) {
  const { keys: words } = useText().people;
  const format = useFormat();
  const options: { value: Ends; label: string }[] = [
    ...PRESETS.map((d) => ({ value: d, label: words.inDays(format.exact(Number(d)), format.day(presetDate(d, now, browserZone()))) })),
    ...(isService ? [] : [{ value: 'never' as const, label: words.never }]),
  ];
  return <Select<Ends> label={words.expires} value={value} options={options} onChange={onChange} fault={fault} hint={isService ? words.serviceHint : undefined} />;
}

// A name and an end; then the key, once: it does not close while the key is on the way, and what is below changes after.
export function NewKey({ owner, onChanged, onClose }: Props) {
  const { keys: words } = useText().people;
  const [now] = useState(() => new Date());
  const [name, setName] = useState('');
  const [ends, setEnds] = useState<Ends>('365');
  const [made, setMade] = useState<UserKeyShown | null>(null);
  const { run, problem, isRunning } = useChange(async () => {
    setMade(await change('post', '/api/users/{id}/keys', {
      path: { id: owner.id },
      body: { name: name.trim(), ...(ends === 'never' ? {} : { expires_at: presetDate(ends, now, browserZone()).toISOString() }) },
    }));
  });
  const close = (): void => { if (!isRunning) onClose(); };
  const faults = told(problem, ['name', 'expires_at']);
  if (made)
    return <ShownKey value={made.key} onClose={() => { onClose(); onChanged(); }} />;
  return (
    <FormDialog title={owner.isOwn ? words.createTitle : words.createFor(owner.name)} go={words.create} isRunning={isRunning}
      problem={faults.rest ? problem : null} onSubmit={() => void run()} onClose={close}>
      <Field label={words.name} value={name} onChange={setName} hint={words.nameHint} fault={faults.at.name} />
      <EndsField value={ends} isService={owner.kind === 'service'} now={now} onChange={setEnds} fault={faults.at.expires_at} />
    </FormDialog>
  );
}
