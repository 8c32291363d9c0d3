import '@/ui/page.css';
import type { Cost, Stats } from '@/api/types.ts';
import { useNow } from '@/query/clock.ts';
import { ownOf, useQuery } from '@/query/useQuery.ts';
import { Card, Cards } from '@/panels/Cards.tsx';
import { NoCalls } from '@/panels/NoCalls.tsx';
import { Ranking } from '@/panels/Ranking.tsx';
import { Trust } from '@/panels/Trust.tsx';
import { UsageBar } from '@/panels/UsageBar.tsx';
import { carriedOf } from '@/panels/carried.ts';
import { LiveStrip } from '@/panels/live/LiveStrip.tsx';
import { costAddress, statsAddress } from '@/panels/question.ts';
import { rankedRoutes, rankedTokens } from '@/panels/ranked.tsx';
import { useWhole } from '@/panels/useWhole.ts';
import { CallDialog } from '@/panels/records/CallDialog.tsx';
import { Link } from '@/ui/Link.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { problemTitle } from '@/ui/ProblemNotice.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useFormat, useText } from '@/ui/reader.tsx';
import { hasFilters } from '@/url/filters.ts';
import { hrefOf } from '@/url/pages.ts';
import { useView } from '@/url/useView.ts';
import type { View } from '@/url/view.ts';
import { FirstStepsPanel } from './FirstStepsPanel.tsx';
import { useFirstSteps } from './useFirstSteps.ts';

const TOP = 3;

// Whether anything costs: where no route has a price there is nothing to tell.
const hasPrices = (of: Stats): boolean => of.cost > 0 || of.top_routes.some((r) => r.cost !== null);

// This month's cost; where it is not asked for, the range's, which the statistics have.
function CostCard({ of, view, isAsked }: { of: Stats; view: View; isAsked: boolean }) {
  const texts = useText();
  const { dashboard } = texts;
  const format = useFormat();
  const now = useNow();
  const month = useQuery<Cost>(isAsked ? costAddress({ ...view, range: { kind: 'named', name: 'this_month' } }, now) : null, 'cost');
  const cost = isAsked ? ('data' in month ? month.data?.cost : undefined) : of.cost;
  return <Card label={dashboard.cost} value={cost === undefined ? '–' : format.money(cost)} now={null} before={null} better="neither"
    compare="none" below={!isAsked ? dashboard.costRange : month.state === 'failed' ? problemTitle(month.problem, texts) : dashboard.costOf} />;
}

function Tops({ of, view, address }: { of: Stats; view: View; address: string }) {
  const texts = useText();
  const format = useFormat(view.zone);
  const { dashboard, usage } = texts;
  const carried = carriedOf(view);
  const more = <Link href={hrefOf({ name: 'analytics' }) + carried}>{dashboard.all}</Link>;
  return (
    <div className="page-two">
      <Ranking title={dashboard.topTokens} of={usage.token} by={view.by} address={address} most={TOP} tools={more}
        rows={rankedTokens(of.top_tokens, null, texts, format, carried)} />
      <Ranking title={dashboard.topRoutes} of={usage.route} by={view.by} address={address} most={TOP} tools={more}
        rows={rankedRoutes(of.top_routes, null, texts, format, carried)} />
    </div>
  );
}

// How things are, at one look.
export default function DashboardPage() {
  const { dashboard } = useText();
  const me = useSignedIn();
  const [view] = useView();
  const now = useNow();
  const address = statsAddress(view, now);
  const result = useWhole<Stats>(address, 'stats', view);
  const of = 'data' in result ? result.data : undefined;
  // With filters nothing is told of first calls ever.
  const first = useFirstSteps(hasFilters(view.filters) ? undefined : of, me.may.manage);
  return (
    <>
      <PageHead title={dashboard.title} />
      <UsageBar of={of} asks={of !== undefined && !hasPrices(of)} />
      {first.shown && <FirstStepsPanel of={first.shown} />}
      <Loaded of={ownOf(result)} what={dashboard.title} height={600}>
        {(of) => (
          <>
            <Trust of={of} isOld={result.state === 'refreshing' && result.isOther} />
            <Cards of={of} compare={view.compare} more={hasPrices(of) && <CostCard of={of} view={view} isAsked={!first.asks} />} />
            {of.total_calls > 0 ? <Tops of={of} view={view} address={address} /> : !first.shown && <NoCalls of={of} />}
          </>
        )}
      </Loaded>
      <LiveStrip />
      <CallDialog zone={view.zone} />
    </>
  );
}
