import '@/panels/people/people.css';
import type { Team } from '@/api/types.ts';
import { boundsInWords } from '@/panels/people/ceiling.ts';
import { StateBadge } from '@/panels/people/StateBadge.tsx';
import { Ago } from '@/ui/Ago.tsx';
import { Link } from '@/ui/Link.tsx';
import { Count } from '@/ui/Number.tsx';
import { Table } from '@/ui/Table.tsx';
import type { Column } from '@/ui/Table.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';

export const tokensOf = (team: number): string => `${hrefOf({ name: 'tokens' })}?team=${team}`;
export const usageOf = (team: number): string => `${hrefOf({ name: 'analytics' })}?team=${team}`;

export function Bounds({ team }: { team: Team }) {
  const { teams: words } = useText().people;
  const format = useFormat();
  const bounds = boundsInWords(team, words, format);
  if (bounds.length === 0)
    return <span className="soft">{words.anything}</span>;
  return <span className="people-lines">{bounds.map((b) => <span key={b} className="people-long">{b}</span>)}</span>;
}

export function TeamTable({ teams }: { teams: readonly Team[] }) {
  const { teams: words, users } = useText().people;
  const columns: Column<Team>[] = [
    { key: 'name', head: words.name, isHead: true, cell: (t) => <Link className="people-name" href={hrefOf({ name: 'team', id: t.id })}>{t.name}</Link> },
    { key: 'state', head: users.state, cell: (t) => <StateBadge state={t.state} /> },
    { key: 'members', head: words.members, number: true, cell: (t) => <Count value={t.members.length} /> },
    { key: 'tokens', head: words.tokens, number: true, cell: (t) => <Link href={tokensOf(t.id)}><Count value={t.tokens} /></Link> },
    { key: 'most', head: words.most, cell: (t) => <Bounds team={t} /> },
    { key: 'created', head: words.created, cell: (t) => <Ago at={t.created_at} /> },
  ];
  return <Table caption={words.title} columns={columns} rows={teams} rowKey={(t) => String(t.id)} />;
}
