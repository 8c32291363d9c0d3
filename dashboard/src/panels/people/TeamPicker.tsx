import { addressOfGet } from '@/api/call.ts';
import type { Team } from '@/api/types.ts';
import type { ListPage } from '@/query/useList.ts';
import { useQuery } from '@/query/useQuery.ts';
import { Select } from '@/ui/Select.tsx';

interface Props { label: string; none: string; value: string; onChange: (id: string) => void; fault?: string | undefined }

export const useTeams = (): readonly Team[] => {
  const teams = useQuery<ListPage<Team>>(addressOfGet('/api/teams', { query: { limit: 200 } }), 'all teams');
  return ('data' in teams ? teams.data?.items : undefined) ?? [];
};

// One of the teams that the reader sees, or none.
export function TeamPicker({ label, none, value, onChange, fault }: Props) {
  const teams = useTeams();
  const known = value === '' || teams.some((t) => String(t.id) === value);
  return (
    <Select label={label} value={value} onChange={onChange} fault={fault} options={[
      { value: '', label: none }, ...(known ? [] : [{ value, label: value }]), ...teams.map((t) => ({ value: String(t.id), label: t.name }))]} />
  );
}
