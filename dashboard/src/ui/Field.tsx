import './Field.css';
import { useId } from 'react';
import type { HTMLInputTypeAttribute } from 'react';
import { Words } from './Words.tsx';

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  type?: HTMLInputTypeAttribute | 'area';
  hint?: string | undefined;
  fault?: string | null | undefined;
  secret?: boolean; // nothing completes, corrects or remembers it
}

export function Field({ label, value, onChange, type = 'text', hint, fault, secret }: Props) {
  const id = useId();
  const about = [hint ? `${id}-hint` : '', fault ? `${id}-fault` : ''].filter(Boolean).join(' ');
  const shared = {
    id, value, className: 'field-input',
    'aria-invalid': fault ? true : undefined, 'aria-describedby': about || undefined,
    ...(secret ? { autoComplete: 'off', autoCapitalize: 'off', spellCheck: false } : {}),
  };
  return (
    <div className="field">
      <label htmlFor={id} className="field-label">{label}</label>
      {type === 'area'
        ? <textarea {...shared} rows={3} onChange={(e) => onChange(e.target.value)} />
        : <input {...shared} type={type} onChange={(e) => onChange(e.target.value)} />}
      {hint && <span id={`${id}-hint`} className="field-hint"><Words>{hint}</Words></span>}
      {fault && <span id={`${id}-fault`} className="field-fault" role="alert">{fault}</span>}
    </div>
  );
}
