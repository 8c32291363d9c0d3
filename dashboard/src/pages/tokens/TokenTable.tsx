import type { Token } from '@/api/types.ts';
import { TokenActs } from '@/panels/tokens/TokenActs.tsx';
import { mayActOn } from '@/panels/tokens/may.ts';
import { hrefOf } from '@/url/pages.ts';
import type { TokenOrder, TokenRank } from '@/url/tokenList.ts';
import { TOKEN_ORDERS } from '@/url/tokenList.ts';
import { tokenListHref, useTokenList } from '@/url/useTokenList.ts';
import { Ago } from '@/ui/Ago.tsx';
import { Badge } from '@/ui/Badge.tsx';
import { Link } from '@/ui/Link.tsx';
import { Count } from '@/ui/Number.tsx';
import { Table } from '@/ui/Table.tsx';
import type { Column } from '@/ui/Table.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { ExpiresCell } from './ExpiresCell.tsx';
import { StateCell } from './StateCell.tsx';

export type ListedToken = Token & { calls?: number; errors?: number };

function NameCell({ token }: { token: ListedToken }) {
  return (
    <>
      <Link className="token-name" href={hrefOf({ name: 'token', id: token.id })}>{token.name}</Link>
      {token.description && <span className="token-about" title={token.description}>{token.description}</span>}
    </>
  );
}

function ScopesCell({ scopes }: { scopes: readonly string[] }) {
  const { tokens: words, usage } = useText();
  const [view] = useTokenList();
  if (scopes.length === 0)
    return <span className="soft">{words.noScopes}</span>;
  return (
    <span className="token-scopes">
      {[...new Set(scopes)].map((scope) => (
        <Link key={scope} href={tokenListHref({ ...view, scope })} title={usage.filter.by(scope)}><Badge>{scope}</Badge></Link>
      ))}
    </span>
  );
}

function TeamCell({ team }: { team: Token['team'] }) {
  const { tokens: words, usage } = useText();
  const [view] = useTokenList();
  const name = team?.name ?? words.noTeam;
  return <Link className="filter-value" href={tokenListHref({ ...view, team: team ? String(team.id) : 'none' })} title={usage.filter.by(name)}>{name}</Link>;
}

function useColumns(by: TokenRank | null, hasActs: boolean): Column<ListedToken>[] {
  const { tokens: words, common } = useText();
  const counts: Column<ListedToken>[] = by === null ? [] : [
    { key: 'calls', head: words.calls, number: true, cell: (t) => <Count value={t.calls} /> },
    { key: 'errors', head: words.errors, number: true, cell: (t) => <Count value={t.errors} /> },
  ];
  return [
    { key: 'name', head: words.name, isHead: true, sort: 'name', cell: (t) => <NameCell token={t} /> },
    ...counts,
    { key: 'state', head: words.state, cell: (t) => <StateCell token={t} /> },
    { key: 'used', head: words.lastUsed, sort: '-last_used_at', cell: (t) => <Ago at={t.last_used_at} never={words.neverUsed} /> },
    { key: 'scopes', head: words.scopes, cell: (t) => <ScopesCell scopes={t.scopes} /> },
    { key: 'team', head: words.team, cell: (t) => <TeamCell team={t.team} /> },
    { key: 'expires', head: words.expires, sort: 'expires_at', cell: (t) => <ExpiresCell token={t} /> },
    { key: 'key', head: words.keyStart, cell: (t) => (t.key_start ? <code>{t.key_start}…</code> : '–') },
    { key: 'created', head: words.created, sort: '-created_at', cell: (t) => <Ago at={t.created_at} never={common.state.unknown} /> },
    ...(hasActs ? [{ key: 'acts', head: <span className="only-read">{common.act.more}</span>, cell: (t: ListedToken) => <TokenActs token={t} /> }] : []),
  ];
}

export function TokenTable({ tokens }: { tokens: readonly ListedToken[] }) {
  const { list: words } = useText().tokens;
  const me = useSignedIn();
  const [view, change] = useTokenList();
  const columns = useColumns(view.by, tokens.some((t) => mayActOn(me, t)));
  const order = (to: string): void => {
    const sort: TokenOrder | undefined = TOKEN_ORDERS.find((o) => o === to);
    if (sort)
      change({ sort, by: null });
  };
  return (
    <Table caption={words.caption} columns={columns} rows={tokens} rowKey={(t) => String(t.id)}
      order={view.by === null ? view.sort : undefined} onOrder={order} />
  );
}
