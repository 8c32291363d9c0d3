import { useState } from 'react';
import { change } from '@/api/call.ts';
import { asProblem } from '@/api/problem.ts';
import type { Team } from '@/api/types.ts';
import { refreshPeople } from '@/panels/people/address.ts';
import { Ask } from '@/panels/people/Ask.tsx';
import { RoleSelect } from '@/panels/people/RoleSelect.tsx';
import type { Role } from '@/panels/people/RoleSelect.tsx';
import { Button } from '@/ui/Button.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { Link } from '@/ui/Link.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { problemTitle } from '@/ui/ProblemNotice.tsx';
import { Table } from '@/ui/Table.tsx';
import type { Column } from '@/ui/Table.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { tell } from '@/ui/toasts.ts';
import { hrefOf } from '@/url/pages.ts';
import { AddMember } from './AddMember.tsx';

type Member = Team['members'][number];

function TakeOut({ team, member, onClose }: { team: Team; member: Member; onClose: () => void }) {
  const { teams: words, users } = useText().people;
  const me = useSignedIn();
  return (
    <Ask title={words.takeOutTitle(member.name, team.name)} go={words.takeOut} onClose={onClose}
      act={() => change('delete', '/api/teams/{id}/members/{user_id}', { path: { id: team.id, user_id: member.id } })}
      onDone={() => { tell(words.takenOut(member.name, team.name)); refreshPeople(); }}>
      <p>{words.takeOutWhat} {words.takeOutRule}</p>
      {me.user.id === member.id && <p className="warn">{users.itsYou}</p>}
    </Ask>
  );
}

// Another role at once; the toast has the way back.
function useSetRole(team: Team): (m: Member, role: Role) => Promise<void> {
  const texts = useText();
  const words = texts.people;
  const set = async (m: Member, role: Role, isUndo = false): Promise<void> => {
    try {
      await change('put', '/api/teams/{id}/members/{user_id}', { path: { id: team.id, user_id: m.id }, body: { role } });
      tell(words.teams.roleSet(m.name, words.role[role]), isUndo ? {} : { undo: () => void set(m, m.role, true) });
    } catch (e) {
      tell(`${problemTitle(asProblem(e), texts)}. ${asProblem(e).message}`, { kind: 'bad' });
    }
    refreshPeople();
  };
  return set;
}

function useColumns(team: Team, mayChange: boolean, onTakeOut: (m: Member) => void): Column<Member>[] {
  const { teams: words, users, role } = useText().people;
  const me = useSignedIn();
  const set = useSetRole(team);
  const seesUsers = me.may.manage;
  return [
    { key: 'name', head: words.name, isHead: true, cell: (m) => (
      <>{seesUsers ? <Link className="people-name" href={hrefOf({ name: 'user', id: m.id })}>{m.name}</Link> : m.name}{m.id === me.user.id && <span className="soft"> ({words.you})</span>}</>) },
    { key: 'role', head: users.role, cell: (m) => (mayChange
      ? <RoleSelect quiet label={words.roleOf(m.name)} value={m.role} onChange={(r) => void set(m, r)} /> : role[m.role]) },
    ...(mayChange ? [{ key: 'acts', head: <span className="only-read">{words.takeOut}</span>, cell: (m: Member) => (
      <div className="people-acts"><Button kind="danger" label={words.takeOutOf(m.name)} onClick={() => onTakeOut(m)}>{words.takeOut}</Button></div>) }] : []),
  ];
}

export function Members({ team, mayChange }: { team: Team; mayChange: boolean }) {
  const { teams: words } = useText().people;
  const [isAdding, setAdding] = useState(false);
  const [taken, setTaken] = useState<Member | null>(null);
  const columns = useColumns(team, mayChange, setTaken);
  return (
    <Panel title={words.members} flush tools={mayChange && <Button onClick={() => setAdding(true)}>{words.addMember}</Button>}>
      {team.members.length === 0 ? <Empty title={words.noMembers} hint={words.noMembersHint} />
        : <Table caption={words.members} columns={columns} rows={team.members} rowKey={(m) => String(m.id)} />}
      {isAdding && <AddMember team={team} onClose={() => setAdding(false)} />}
      {taken && <TakeOut team={team} member={taken} onClose={() => setTaken(null)} />}
    </Panel>
  );
}
