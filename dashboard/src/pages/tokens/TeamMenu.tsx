import type { Team } from '@/api/types.ts';
import { useQuery } from '@/query/useQuery.ts';
import { teamsAddress } from '@/panels/tokens/address.ts';
import { Loaded } from '@/ui/Loaded.tsx';
import { MenuItems } from '@/ui/Menu.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { useTokenList } from '@/url/useTokenList.ts';
import { FilterButton } from './FilterMenu.tsx';

type Named = Pick<Team, 'id' | 'name'>;

function Teams({ teams, close }: { teams: readonly Named[]; close: () => void }) {
  const { tokens: words } = useText();
  const [view, change] = useTokenList();
  const options = [
    { value: null, label: words.list.allTeams }, ...teams.map((t) => ({ value: String(t.id), label: t.name })), { value: 'none', label: words.noTeam },
  ];
  return <MenuItems close={close} items={options.map((o) => ({ label: o.label, isChosen: o.value === view.team, onClick: () => change({ team: o.value }) }))} />;
}

// All teams are asked for once it opens; a member's own are known.
function AskedTeams({ close }: { close: () => void }) {
  const { tokens: words } = useText();
  const all = useQuery<{ items: Team[] }>(teamsAddress, 'teams');
  return <Loaded of={all} what={words.team} height={96}>{(t) => <Teams teams={t.items} close={close} />}</Loaded>;
}

export function TeamMenu() {
  const { tokens: words } = useText();
  const me = useSignedIn();
  const [{ team }] = useTokenList();
  const all = useQuery<{ items: Team[] }>(me.sees_all && team !== null && team !== 'none' ? teamsAddress : null, 'teams');
  const known: readonly Named[] = me.sees_all ? ('data' in all ? all.data?.items : undefined) ?? [] : me.teams;
  const chosen = team === null ? words.list.all : team === 'none' ? words.noTeam : known.find((t) => String(t.id) === team)?.name ?? `#${team}`;
  return (
    <FilterButton label={words.team} chosen={chosen} isSet={team !== null}>
      {(close) => (me.sees_all ? <AskedTeams close={close} /> : <Teams teams={me.teams} close={close} />)}
    </FilterButton>
  );
}
