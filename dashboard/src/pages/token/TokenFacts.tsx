import type { Token } from '@/api/types.ts';
import { Ago } from '@/ui/Ago.tsx';
import { Facts } from '@/ui/Facts.tsx';
import { Link } from '@/ui/Link.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';

function Codes({ of }: { of: readonly string[] }) {
  return <>{of.map((text, i) => <span key={text}>{i > 0 ? ', ' : ''}<code>{text}</code></span>)}</>;
}

function TeamOf({ team }: { team: Token['team'] }) {
  const { tokenPage: words } = useText().records;
  if (team === null)
    return <>{words.noTeam}</>;
  return <><Link href={hrefOf({ name: 'team', id: team.id })}>{team.name}</Link>{team.disabled ? ` (${words.teamDisabled})` : ''}</>;
}

const instant = (at: string | null) => (at === null ? null : <Ago at={at} />);

// What a token is; of its key only the start is known.
export function TokenFacts({ token: t }: { token: Token }) {
  const { tokenPage: words } = useText().records;
  const scopes = t.scopes.includes('*') ? words.anyScope : t.scopes.length === 0 ? words.noScope : <Codes of={t.scopes} />;
  const isExpired = t.expires_at !== null && t.state === 'expired';
  return (
    <Panel title={words.facts}>
      <Facts items={[
        { label: words.start, value: t.key_start === null ? '–' : <code>{t.key_start}…</code> },
        { label: words.id, value: t.id },
        { label: words.team, value: <TeamOf team={t.team} /> },
        { label: words.scopes, value: scopes },
        { label: words.created, value: instant(t.created_at) ?? '–' },
        { label: isExpired ? words.expired : words.expires, value: instant(t.expires_at) ?? words.noExpiry },
        { label: words.lastUsed, value: <Ago at={t.last_used_at} never={words.unused} /> },
        { label: words.ranges, value: t.address_ranges === null ? words.anywhere : <Codes of={t.address_ranges} /> },
        { label: words.disabledAt, value: instant(t.disabled_at) },
        { label: words.revokedAt, value: instant(t.revoked_at) },
        { label: words.deletedAt, value: instant(t.deleted_at) },
        { label: words.oldSecret, value: instant(t.old_secret_expires_at) },
        { label: words.description, value: t.description, wide: true },
      ]} />
    </Panel>
  );
}
