import './Field.css';
import { useId } from 'react';
import type { HTMLInputTypeAttribute } from 'react';
import { looksLikeKey } from '@/url/keyish.ts';
import { useText } from './reader.tsx';
import { Words } from './Words.tsx';

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  type?: HTMLInputTypeAttribute | 'area';
  hint?: string | undefined;
  fault?: string | null | undefined;
  secret?: boolean; // it may be a key: nothing completes, corrects or remembers it
}

// A key in a field that is for something else is hidden, and told: it is not sent (api/call.ts), nor put into an address.
export function Field({ label, value, onChange, type = 'text', hint, fault: told, secret }: Props) {
  const { search } = useText().common;
  const id = useId();
  const isKey = looksLikeKey(value);
  const fault = isKey && !secret ? search.keyElsewhere : told;
  const about = [hint ? `${id}-hint` : '', fault ? `${id}-fault` : ''].filter(Boolean).join(' ');
  const shared = {
    id, value, className: 'field-input',
    'aria-invalid': fault ? true : undefined, 'aria-describedby': about || undefined,
    ...(secret || isKey ? { autoComplete: 'off', autoCapitalize: 'off', spellCheck: false } : {}),
  };
  return (
    <div className="field">
      <label htmlFor={id} className="field-label">{label}</label>
      {type === 'area'
        ? <textarea {...shared} rows={3} onChange={(e) => onChange(e.target.value)} />
        : <input {...shared} type={isKey ? 'password' : type} onChange={(e) => onChange(e.target.value)} />}
      {hint && <span id={`${id}-hint`} className="field-hint"><Words>{hint}</Words></span>}
      {fault && <span id={`${id}-fault`} className="field-fault" role="alert">{fault}</span>}
    </div>
  );
}
