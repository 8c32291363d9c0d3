import '@/panels/people/people.css';
import { useState } from 'react';
import type { Me } from '@/api/types.ts';
import { KeysPanel } from '@/panels/people/KeysPanel.tsx';
import { SessionsPanel } from '@/panels/people/SessionsPanel.tsx';
import { Check } from '@/ui/Check.tsx';
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

function TeamsOf({ me }: { me: Me }) {
  const { account: words, role } = useText().people;
  if (me.teams.length === 0)
    return <span className="soft">{me.may.administer ? words.allTeams : words.noTeams}</span>;
  return (
    <span className="people-lines people-linked">
      {me.teams.map((t) => <span key={t.id}><Link href={hrefOf({ name: 'team', id: t.id })}>{t.name}</Link> <span className="soft">{role[t.role]}</span></span>)}
    </span>
  );
}

function Who({ me }: { me: Me }) {
  const { account: words, users, kind, role } = useText().people;
  const { by, issuer, acting } = me.signed_in;
  return (
    <Panel title={words.who}>
      <Facts items={[
        { label: words.name, value: me.user.name ?? me.signed_in.subject ?? '–' },
        { label: words.email, value: me.user.email ?? <span className="soft">{users.noEmail}</span> },
        { label: words.kind, value: kind[me.user.kind] }, { label: words.role, value: role[me.role] }, { label: words.teams, value: <TeamsOf me={me} /> },
        { label: words.by, value: <>{words.byWhat[by]}{issuer && <span className="soft"> ({words.from(issuer)})</span>}</> },
      ]} />
      {acting && <Notice kind="warn">{words.acting(acting)}</Notice>}
    </Panel>
  );
}

// Remembered in this browser.
function OwnTaste() {
  const { account: words } = useText().people;
  const [isOn, setOn] = useState(keysAreOn);
  return (
    <Panel title={words.taste}>
      <Taste />
      <Check label={words.shortcuts} hint={words.shortcutsHint} value={isOn} onChange={(on) => { setOn(on); setKeysOn(on); }} />
    </Panel>
  );
}

export default function AccountPage() {
  const { account: words } = useText().people;
  const me = useSignedIn();
  const { id, name, kind } = me.user;
  const owner = id === null ? null : { id, name: name ?? '', kind, isOwn: true };
  return (
    <>
      <PageHead title={words.title} />
      <div className="page-two"><Who me={me} /><OwnTaste /></div>
      {owner ? <><KeysPanel owner={owner} mayCreate /><SessionsPanel owner={owner} /></> : <Notice kind="info">{words.noUser}</Notice>}
    </>
  );
}
