import { useState } from 'react';
import type { User } from '@/api/types.ts';
import { StateBadge } from '@/panels/people/StateBadge.tsx';
import { Ago } from '@/ui/Ago.tsx';
import { Badge } from '@/ui/Badge.tsx';
import { Button } from '@/ui/Button.tsx';
import { Link } from '@/ui/Link.tsx';
import { Table } from '@/ui/Table.tsx';
import type { Column } from '@/ui/Table.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useFormat, useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';
import { LetIn } from './UserActs.tsx';

function TeamsOf({ user }: { user: User }) {
  const { users: words, role } = useText().people;
  const format = useFormat();
  if (user.is_admin)
    return <Badge kind="good">{words.admin}</Badge>;
  if (user.teams.length === 0)
    return <span className="soft">{words.none}</span>;
  const [first] = user.teams;
  return (
    <span className="people-long people-linked" title={format.list(user.teams.map((t) => `${t.name} (${role[t.role]})`))}>
      {first && <Link href={hrefOf({ name: 'team', id: first.id })}>{first.name}</Link>}
      {user.teams.length > 1 && <span className="soft"> +{user.teams.length - 1}</span>}
    </span>
  );
}

// Managers see names, kinds and their own teams; admins the rest.
export function UserTable({ users }: { users: readonly User[] }) {
  const { users: words, kind, teams } = useText().people;
  const me = useSignedIn();
  const [letIn, setLetIn] = useState<User | null>(null);
  const someRemoved = users.some((u) => u.state === 'removed');
  const columns: Column<User>[] = [
    { key: 'name', head: words.name, isHead: true, cell: (u) => (
      <><Link className="people-name" href={hrefOf({ name: 'user', id: u.id })}>{u.name}</Link>{u.id === me.user.id && <span className="soft"> ({teams.you})</span>}</>) },
    { key: 'kind', head: words.kind, cell: (u) => kind[u.kind] },
    { key: 'teams', head: words.teams, cell: (u) => <TeamsOf user={u} /> },
    ...(me.may.administer ? [
      { key: 'state', head: words.state, cell: (u: User) => (u.state ? <StateBadge state={u.state} /> : null) },
      { key: 'email', head: words.email, cell: (u: User) => (u.email ? <span className="people-long">{u.email}</span> : '–') },
      { key: 'created', head: words.created, cell: (u: User) => (u.created_at ? <Ago at={u.created_at} /> : null) },
    ] : []),
    ...(someRemoved ? [{ key: 'acts', head: <span className="only-read">{words.letIn}</span>, cell: (u: User) => (
      u.state === 'removed' ? <div className="people-acts"><Button label={words.letInOf(u.name)} onClick={() => setLetIn(u)}>{words.letIn}</Button></div> : null) }] : []),
  ];
  return (
    <>
      <Table caption={words.title} columns={columns} rows={users} rowKey={(u) => String(u.id)} />
      {letIn && <LetIn user={letIn} onClose={() => setLetIn(null)} />}
    </>
  );
}
