import { useState } from 'react';
import type { Me } from '@/api/types.ts';
import { KeysPanel } from '@/panels/people/KeysPanel.tsx';
import { SessionsPanel } from '@/panels/people/SessionsPanel.tsx';
import { Facts } from '@/ui/Facts.tsx';
import { Link } from '@/ui/Link.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { Taste } from '@/ui/Taste.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { keysAreOn, setKeysOn } from '@/ui/useKeys.ts';
import { hrefOf } from '@/url/pages.ts';

function Teams({ me }: { me: Me }) {
  const { account: words, role } = useText().people;
  if (me.role === 'admin')
    return <>{words.allTeams}</>;
  if (me.teams.length === 0)
    return <>{words.noTeams}</>;
  return <>{me.teams.map((t) => <p key={t.id}><span className="people-lines"><Link href={hrefOf({ name: 'team', id: t.id })}>{t.name}</Link></span> <span className="soft">{role[t.role]}</span></p>)}</>;
}

function Who({ me }: { me: Me }) {
  const { account: words, role, kind, users } = useText().people;
  const { by, issuer } = me.signed_in;
  return (
    <Panel title={words.who}>
      <Facts items={[
        { label: words.name, value: me.user.name }, { label: words.email, value: me.user.email ?? users.noEmail },
        { label: words.kind, value: kind[me.user.kind] }, { label: words.role, value: role[me.role] },
        { label: words.by, value: `${words.byWhat[by]}${issuer === null ? '' : ` · ${words.from(issuer)}`}` }, { label: words.teams, value: <Teams me={me} /> },
      ]} />
      {me.signed_in.acting !== null && <Notice kind="warn">{words.acting(me.signed_in.acting)}</Notice>}
    </Panel>
  );
}

function ThisBrowser() {
  const { account: words } = useText().people;
  const [isOn, setOn] = useState(keysAreOn);
  return (
    <Panel title={words.taste}>
      <Taste />
      <label><input type="checkbox" checked={isOn} onChange={(e) => { setOn(e.target.checked); setKeysOn(e.target.checked); }} /> {words.shortcuts}</label>
      <p className="soft">{words.shortcutsHint}</p>
    </Panel>
  );
}

// Who reads, how they sign in, and what this browser remembers of their taste.
export default function AccountPage() {
  const { account: words } = useText().people;
  const me = useSignedIn();
  const { id, name, kind } = me.user;
  const owner = id === null ? null : { id, name: name ?? '', kind, isOwn: true };
  return (
    <>
      <PageHead title={words.title} />
      <div className="page-two"><Who me={me} /><ThisBrowser /></div>
      {owner === null ? <Notice kind="info">{words.noUser}</Notice> : <><KeysPanel owner={owner} mayCreate /><SessionsPanel owner={owner} /></>}
    </>
  );
}
