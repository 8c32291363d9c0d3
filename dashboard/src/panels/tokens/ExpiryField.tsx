import { useState } from 'react';
import { localText } from '@/time/days.ts';
import { browserZone } from '@/time/zone.ts';
import { Field } from '@/ui/Field.tsx';
import { Select } from '@/ui/Select.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { PRESET_DAYS, presetDate, resolveExpiry } from './expiry.ts';
import type { Expiry, Kind, Preset } from './expiry.ts';

interface Props { value: Expiry; before?: string | null; onChange: (e: Expiry) => void; fault?: string | undefined }

// Each choice says the date that it comes to; what is chosen, the instant and its zone. `before`: of a token that is edited.
export function ExpiryField({ value, before, onChange, fault }: Props) {
  const { form: words, expires } = useText().tokens;
  const format = useFormat();
  const [now] = useState(() => new Date());
  const zone = browserZone();
  const resolved = resolveExpiry(value, now, zone);
  const preset = (days: Preset) => ({ value: days, label: words.inDays(format.exact(Number(days)), format.day(presetDate(days, now, zone))) });
  const presets: Preset[] = PRESET_DAYS.map((d) => `${d}` as const);
  const options: { value: Kind; label: string }[] = [
    ...(before === undefined ? [] : [{ value: 'keep' as const, label: before ? words.keep(format.instant(new Date(before))) : words.keepNever }]),
    ...presets.map(preset), { value: 'own', label: words.own }, { value: 'never', label: words.never },
  ];
  const at = resolved.state === 'keep' ? before ?? null : resolved.state === 'good' ? resolved.at : null;
  const told = resolved.state === 'fault' ? '' : at ? words.until(format.instant(new Date(at)), zone) : words.untilNever;
  const choose = (kind: Kind): void => onChange({ kind, text: kind === 'own' ? localText(presetDate('30', now, zone), zone) : '' });
  return (
    <>
      <Select label={expires} value={value.kind} options={options} onChange={choose} hint={told}
        fault={value.kind === 'own' ? undefined : fault} />
      {value.kind === 'own' && (
        <Field label={words.ownDate} type="datetime-local" value={value.text} onChange={(text) => onChange({ kind: 'own', text })}
          fault={resolved.state === 'fault' && value.text !== '' ? words[resolved.fault] : fault} />
      )}
    </>
  );
}
