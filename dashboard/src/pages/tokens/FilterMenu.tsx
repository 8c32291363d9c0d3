import type { ReactNode } from 'react';
import { Icon } from '@/ui/Icon.tsx';
import { Menu, MenuItems } from '@/ui/Menu.tsx';

interface Option<T> { value: T; label: string }
interface Props<T> { label: string; value: T; none: T; options: readonly Option<T>[]; onChange: (value: T) => void; name?: string }

// `name`: of the value, where the options are not known yet. It stands out where it takes something away.
export function FilterMenu<T>({ label, value, none, options, onChange, name }: Props<T>) {
  const chosen = name ?? options.find((o) => o.value === value)?.label ?? String(value);
  return (
    <FilterButton label={label} chosen={chosen} isSet={value !== none}>
      {(close) => <MenuItems close={close} items={options.map((o) => ({ label: o.label, isChosen: o.value === value, onClick: () => onChange(o.value) }))} />}
    </FilterButton>
  );
}

export function FilterButton({ label, chosen, isSet, children }: { label: string; chosen: string; isSet: boolean; children: (close: () => void) => ReactNode }) {
  return (
    <Menu label={`${label}: ${chosen}`} pressed={isSet} face={<><span className="soft">{label}</span> {chosen} <Icon name="down" /></>}>{children}</Menu>
  );
}
