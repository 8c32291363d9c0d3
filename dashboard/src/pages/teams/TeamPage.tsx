import '@/panels/people/people.css';
import type { Team } from '@/api/types.ts';
import { useQuery } from '@/query/useQuery.ts';
import { teamAddress } from '@/panels/people/address.ts';
import { StateBadge } from '@/panels/people/StateBadge.tsx';
import { Ago } from '@/ui/Ago.tsx';
import { Facts } from '@/ui/Facts.tsx';
import { Link } from '@/ui/Link.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useFormat, useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';
import { useIdOfPage } from '@/url/useParams.ts';
import { Members } from './Members.tsx';
import { TeamActs } from './TeamActs.tsx';
import { Bounds, tokensOf, usageOf } from './TeamTable.tsx';

function Above({ tokens }: { tokens: NonNullable<Team['above_ceiling']> }) {
  const { teams: words } = useText().people;
  return (
    <Panel title={words.above} note={words.aboveNote}>
      <ul className="people-links">
        {tokens.map((t) => <li key={t.id}><Link href={hrefOf({ name: 'token', id: t.id })}>{t.name}</Link></li>)}
      </ul>
      {tokens.length === 100 && <p className="soft">{words.aboveMost}</p>}
    </Panel>
  );
}

function Links({ team, seesAudit }: { team: Team; seesAudit: boolean }) {
  const { teams: words } = useText().people;
  return (
    <div className="people-links">
      <Link href={tokensOf(team.id)}>{words.open}</Link>
      <Link href={usageOf(team.id)}>{words.usage}</Link>
      {seesAudit && <Link href={`${hrefOf({ name: 'audit' })}?team=${team.id}`}>{words.audit}</Link>}
    </div>
  );
}

function Shown({ team }: { team: Team }) {
  const { people: { teams: words, users } } = useText();
  const me = useSignedIn();
  const format = useFormat();
  const mayChange = me.may.administer || me.teams.some((t) => t.id === team.id && t.role === 'manager');
  return (
    <>
      <PageHead title={team.name} below={<Links team={team} seesAudit={mayChange} />}>{me.may.administer && <TeamActs team={team} />}</PageHead>
      {team.disabled_at && <Notice kind="warn">{words.isDisabled(format.instant(new Date(team.disabled_at)))}</Notice>}
      <div className="page-two">
        <Members team={team} mayChange={mayChange} />
        <Panel title={words.facts}>
          <Facts items={[
            { label: users.state, value: <StateBadge state={team.state} /> }, { label: words.most, value: <Bounds team={team} /> },
            { label: words.tokens, value: <Link href={tokensOf(team.id)}>{format.exact(team.tokens)}</Link> }, { label: words.created, value: <Ago at={team.created_at} /> },
          ]} />
        </Panel>
      </div>
      {team.above_ceiling && team.above_ceiling.length > 0 && <Above tokens={team.above_ceiling} />}
    </>
  );
}

export default function TeamPage() {
  const { teams: words } = useText().people;
  const id = useIdOfPage();
  const team = useQuery<Team>(teamAddress(id), `team ${id}`);
  return (
    <>
      {!('data' in team && team.data) && <PageHead title={words.title} />}
      <Loaded of={team} what={words.title} height={400}>{(t) => <Shown key={t.id} team={t} />}</Loaded>
    </>
  );
}
