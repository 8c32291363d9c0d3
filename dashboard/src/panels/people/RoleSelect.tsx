import { Select } from '@/ui/Select.tsx';
import { useText } from '@/ui/reader.tsx';

export type Role = 'manager' | 'viewer';
const ROLES: readonly Role[] = ['viewer', 'manager'];

interface Props { value: Role; onChange: (role: Role) => void; label?: string; quiet?: boolean }

// In a team. `label` says whose, where that is not plain.
export function RoleSelect({ value, onChange, label, quiet = false }: Props) {
  const { people } = useText();
  return (
    <Select<Role> label={label ?? people.users.role} quiet={quiet} value={value} onChange={onChange} hint={quiet ? undefined : people.teams.roleHint}
      options={ROLES.map((r) => ({ value: r, label: people.role[r] }))} />
  );
}
