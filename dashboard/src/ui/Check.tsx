import './Check.css';

interface Props { label: string; value: boolean; onChange: (value: boolean) => void; hint?: string; disabled?: boolean }

// Something that is so or not.
export function Check({ label, value, onChange, hint, disabled }: Props) {
  return (
    <label className="check">
      <input type="checkbox" checked={value} disabled={disabled} onChange={(e) => onChange(e.target.checked)} />
      <span>{label}{hint && <span className="check-hint">{hint}</span>}</span>
    </label>
  );
}
