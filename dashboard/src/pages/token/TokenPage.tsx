import '@/ui/page.css';
import type { TokenState, TokenUsage } from '@/api/types.ts';
import { useNow } from '@/query/clock.ts';
import { ByPicker } from '@/panels/ByPicker.tsx';
import { Ranking } from '@/panels/Ranking.tsx';
import { SharePanel } from '@/panels/SharePanel.tsx';
import { ErrorsPanel, StatusPanel } from '@/panels/StatusPanel.tsx';
import { TrendPanel } from '@/panels/TrendPanel.tsx';
import { UsageBar, refreshNow } from '@/panels/UsageBar.tsx';
import { UsageWhole } from '@/panels/UsageWhole.tsx';
import { useWhole } from '@/panels/useWhole.ts';
import { carriedOf } from '@/panels/carried.ts';
import { tokenUsageAddress } from '@/panels/question.ts';
import { rankedRoutes } from '@/panels/ranked.tsx';
import { CallDialog } from '@/panels/records/CallDialog.tsx';
import { RecordsPanel } from '@/panels/records/RecordsPanel.tsx';
import { TokenActs } from '@/panels/tokens/TokenActs.tsx';
import { useZoomTools } from '@/panels/useZoomTools.ts';
import { Badge } from '@/ui/Badge.tsx';
import type { BadgeKind } from '@/ui/Badge.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { Link } from '@/ui/Link.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { Skeleton } from '@/ui/Skeleton.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { hrefOf, pageOf } from '@/url/pages.ts';
import { usePlace } from '@/url/usePlace.ts';
import { useView } from '@/url/useView.ts';
import type { View } from '@/url/view.ts';
import { TokenFacts } from './TokenFacts.tsx';

const KINDS: Record<TokenState, BadgeKind> = {
  active: 'good', team_disabled: 'warn', disabled: 'warn', expired: 'warn', revoked: 'bad', deleted: 'bad',
};

function Charts({ of, view, address }: { of: TokenUsage; view: View; address: string }) {
  const texts = useText();
  const format = useFormat(view.zone);
  const zoom = useZoomTools();
  const { usage, records } = texts;
  const routes = rankedRoutes(of.top_routes, of.other_routes, texts, format, carriedOf(view));
  const shared = { of, zone: view.zone, address, zoom };
  return (
    <>
      <TrendPanel {...shared} compare={view.compare} />
      <div className="page-two">
        <Ranking title={records.tokenPage.routes} of={usage.route} rows={routes} by={view.by} address={address} tools={<ByPicker />} />
        <SharePanel title={records.tokenPage.share} of={usage.route} rows={routes} address={address} />
        <ErrorsPanel {...shared} />
        <StatusPanel {...shared} />
      </div>
    </>
  );
}

function Missing() {
  const { tokenPage: words } = useText().records;
  return (
    <>
      <PageHead title={words.title} />
      <Empty title={words.missing} hint={words.missingHint} acts={<Link className="button" href={hrefOf({ name: 'tokens' })}>{words.all}</Link>} />
    </>
  );
}

function TokenHead({ of }: { of: TokenUsage | undefined }) {
  const { tokenPage: words } = useText().records;
  if (!of)
    return <PageHead title={words.title} />;
  return (
    <PageHead title={of.token.name} below={<p><Badge kind={KINDS[of.token.state]}>{words.state[of.token.state]}</Badge></p>}>
      <TokenActs token={of.token} onChanged={refreshNow} />
    </PageHead>
  );
}

function OfToken({ id }: { id: number }) {
  const { records } = useText();
  const [view] = useView();
  const now = useNow();
  const address = tokenUsageAddress(id, view, now);
  const result = useWhole<TokenUsage>(address, `token ${id}`, view);
  if (result.state === 'failed' && result.problem.status === 404)
    return <Missing />;
  const data = 'data' in result ? result.data : undefined;
  return (
    <>
      <TokenHead of={data} />
      {data ? <TokenFacts token={data.token} /> : result.state === 'loading' && <Skeleton height={180} what={records.tokenPage.facts} />}
      <UsageBar />
      <UsageWhole of={result} what={records.tokenPage.title} view={view} address={address}>
        {(of) => <Charts of={of} view={view} address={address} />}
      </UsageWhole>
      <RecordsPanel own={{ token: id }} />
      <CallDialog zone={view.zone} />
    </>
  );
}

// One token: what it is, and how it is used.
export default function TokenPage() {
  const { path, search } = usePlace();
  const page = pageOf(path, search);
  return page.name === 'token' ? <OfToken key={page.id} id={page.id} /> : null;
}
