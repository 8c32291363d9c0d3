// A form's draft, what is wrong with it before it is sent, and sending it.
import { useState } from 'react';
import { useChange } from '@/query/useChange.ts';
import { browserZone } from '@/time/zone.ts';
import { useText } from '@/ui/reader.tsx';
import type { Draft, Faults } from './draft.ts';
import { resolveExpiry } from './expiry.ts';

export function useForm(first: Draft, send: (d: Draft) => Promise<void>) {
  const { form: words } = useText().tokens;
  const [draft, setDraft] = useState(first);
  const [isTried, setTried] = useState(false);
  const { run, problem, isRunning } = useChange(send);
  const expiry = resolveExpiry(draft.expiry, new Date(), browserZone());
  const faults: Faults = {
    ...(draft.name.trim() ? {} : { name: words.noName }),
    ...(expiry.state === 'fault' ? { expiry: words[expiry.fault] } : {}),
  };
  const submit = async (): Promise<boolean> => {
    setTried(true);
    return Object.keys(faults).length === 0 && run(draft);
  };
  return { draft, setDraft, problem, isRunning, own: isTried ? faults : {}, submit };
}
