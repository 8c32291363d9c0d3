import './Field.css';
import { useId } from 'react';

interface Props<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
  quiet?: boolean; // the label is spoken, not seen
  hint?: string | undefined;
  fault?: string | null | undefined;
}

export function Select<T extends string>({ label, value, options, onChange, quiet, hint, fault }: Props<T>) {
  const id = useId();
  const about = [hint ? `${id}-hint` : '', fault ? `${id}-fault` : ''].filter(Boolean).join(' ');
  const choose = (text: string): void => {
    const chosen = options.find((o) => o.value === text);
    if (chosen)
      onChange(chosen.value);
  };
  return (
    <span className={quiet ? 'field field-inline' : 'field'}>
      <label htmlFor={id} className={quiet ? 'only-read' : 'field-label'}>{label}</label>
      <select id={id} className="field-input" value={value} aria-invalid={fault ? true : undefined}
        aria-describedby={about || undefined} onChange={(e) => choose(e.target.value)}>
        {options.map((o) => <option key={o.value} value={o.value}>{o.label}</option>)}
      </select>
      {hint && <span id={`${id}-hint`} className="field-hint">{hint}</span>}
      {fault && <span id={`${id}-fault`} className="field-fault" role="alert">{fault}</span>}
    </span>
  );
}
