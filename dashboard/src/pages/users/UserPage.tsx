import '@/panels/people/people.css';
import type { ReactNode } from 'react';
import type { User } from '@/api/types.ts';
import { useQuery } from '@/query/useQuery.ts';
import { userAddress } from '@/panels/people/address.ts';
import { KeysPanel } from '@/panels/people/KeysPanel.tsx';
import { SessionsPanel } from '@/panels/people/SessionsPanel.tsx';
import { StateBadge } from '@/panels/people/StateBadge.tsx';
import { Ago } from '@/ui/Ago.tsx';
import { Badge } from '@/ui/Badge.tsx';
import { Facts } from '@/ui/Facts.tsx';
import { Link } from '@/ui/Link.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useFormat, useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';
import { useIdOfPage, useParams } from '@/url/useParams.ts';
import { Identities } from './Identities.tsx';
import { UserActs } from './UserActs.tsx';

const TABS = ['keys', 'sessions', 'identities'] as const;
const SHAPES = { tab: /^(sessions|identities)$/ } as const;

export function Memberships({ teams }: { teams: User['teams'] }) {
  const { users: words, role } = useText().people;
  if (teams.length === 0)
    return <span className="soft">{words.none}</span>;
  return (
    <span className="people-lines people-linked">
      {teams.map((t) => <span key={t.id}><Link href={hrefOf({ name: 'team', id: t.id })}>{t.name}</Link> <span className="soft">{role[t.role]}</span></span>)}
    </span>
  );
}

function FactsOf({ user }: { user: User }) {
  const { users: words, kind } = useText().people;
  const role: ReactNode = user.is_admin ? <><Badge kind="good">{words.admin}</Badge>{user.admin_by_rule && <span className="soft"> {words.adminByRule}</span>}</> : null;
  return (
    <Panel title={words.facts} {...(user.state === undefined ? { note: words.asManager } : {})}>
      <Facts items={[
        { label: words.kind, value: kind[user.kind] },
        { label: words.email, value: user.email === null ? <span className="soft">{words.noEmail}</span> : user.email },
        { label: words.state, value: user.state && <StateBadge state={user.state} /> },
        { label: words.role, value: role },
        { label: words.memberships, value: <Memberships teams={user.teams} /> },
        { label: words.created, value: user.created_at && <Ago at={user.created_at} /> },
      ]} />
    </Panel>
  );
}

// One question at a time: what is not looked at is not asked for.
function WaysIn({ user }: { user: User }) {
  const { users: words } = useText().people;
  const me = useSignedIn();
  const { params, href } = useParams(SHAPES);
  const tab = TABS.find((t) => t === params.tab) ?? 'keys';
  const owner = { id: user.id, name: user.name, kind: user.kind, isOwn: user.id === me.user.id };
  return (
    <>
      <nav className="people-tabs" aria-label={words.tabs}>
        {TABS.map((t) => <Link key={t} className={t === tab ? 'button button-main' : 'button'} current={t === tab} href={href({ tab: t === 'keys' ? '' : t })}>{words[t]}</Link>)}
      </nav>
      {tab === 'keys' && <KeysPanel owner={owner} mayCreate={user.state !== 'removed'} />}
      {tab === 'sessions' && <SessionsPanel owner={owner} />}
      {tab === 'identities' && <Identities user={user} />}
    </>
  );
}

function Links({ user }: { user: User }) {
  const { users: words } = useText().people;
  const me = useSignedIn();
  const audit = hrefOf({ name: 'audit' });
  return (
    <div className="people-links">
      {me.may.manage && <Link href={`${audit}?user=${user.id}`}>{words.audit}</Link>}
      {me.may.administer && <Link href={`${audit}?target=user&target_id=${user.id}`}>{words.auditOf}</Link>}
      {me.user.id === user.id && <Link href={hrefOf({ name: 'account' })}>{words.toAccount}</Link>}
    </div>
  );
}

function Shown({ user }: { user: User }) {
  const { users: words } = useText().people;
  const me = useSignedIn();
  const format = useFormat();
  return (
    <>
      <PageHead title={user.name} below={<Links user={user} />}>{me.may.administer && <UserActs user={user} />}</PageHead>
      {user.removed_at && <Notice kind="warn">{words.removedAt(format.instant(new Date(user.removed_at)))}</Notice>}
      {!user.removed_at && user.disabled_at && <Notice kind="warn">{words.disabledAt(format.instant(new Date(user.disabled_at)))}</Notice>}
      <FactsOf user={user} />
      {me.may.administer && <WaysIn user={user} />}
    </>
  );
}

export default function UserPage() {
  const { users: words } = useText().people;
  const id = useIdOfPage();
  const user = useQuery<User>(userAddress(id), `user ${id}`);
  return (
    <>
      {!('data' in user && user.data) && <PageHead title={words.title} />}
      <Loaded of={user} what={words.title} height={400}>{(u) => <Shown key={u.id} user={u} />}</Loaded>
    </>
  );
}
