import './Field.css';
import { useId } from 'react';

interface Props<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
  quiet?: boolean; // the label is spoken, not seen
}

export function Select<T extends string>({ label, value, options, onChange, quiet }: Props<T>) {
  const id = useId();
  const choose = (text: string): void => {
    const chosen = options.find((o) => o.value === text);
    if (chosen)
      onChange(chosen.value);
  };
  return (
    <span className={quiet ? 'field field-inline' : 'field'}>
      <label htmlFor={id} className={quiet ? 'only-read' : 'field-label'}>{label}</label>
      <select id={id} className="field-input" value={value} onChange={(e) => choose(e.target.value)}>
        {options.map((o) => <option key={o.value} value={o.value}>{o.label}</option>)}
      </select>
    </span>
  );
}
