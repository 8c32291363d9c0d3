import type { Team } from '@/api/types.ts';
import { useQuery } from '@/query/useQuery.ts';
import { managedTeams, useSignedIn } from '@/ui/me.ts';
import { Select } from '@/ui/Select.tsx';
import { useText } from '@/ui/reader.tsx';
import { teamsAddress } from './address.ts';

interface Props { value: string; own?: { id: number; name: string } | null; onChange: (team: string) => void; fault?: string | undefined }

// Managers give tokens to teams of theirs, admins to any or none.
export function TeamField({ value, own, onChange, fault }: Props) {
  const me = useSignedIn();
  const { tokens: words } = useText();
  const all = useQuery<{ items: Team[] }>(me.may.administer ? teamsAddress : null, 'teams');
  const known = me.may.administer ? ('data' in all ? all.data?.items : undefined) ?? [] : managedTeams(me);
  const others = own && !known.some((t) => t.id === own.id) ? [own, ...known] : known;
  const options = [
    ...(me.may.administer ? [{ value: '', label: words.noTeamOption }] : []),
    ...others.map((t) => ({ value: String(t.id), label: t.name })),
  ];
  return <Select label={words.team} value={value} options={options} onChange={onChange} hint={value ? words.form.teamHint : undefined} fault={fault} />;
}
