import '@/ui/page.css';
import type { Stats } from '@/api/types.ts';
import { useNow } from '@/query/clock.ts';
import { ByPicker } from '@/panels/ByPicker.tsx';
import { Ranking } from '@/panels/Ranking.tsx';
import { SharePanel } from '@/panels/SharePanel.tsx';
import { SlowCalls, SlowRoutes } from '@/panels/SlowPanels.tsx';
import { ErrorsPanel, StatusPanel } from '@/panels/StatusPanel.tsx';
import { TrendPanel } from '@/panels/TrendPanel.tsx';
import { UsageBar } from '@/panels/UsageBar.tsx';
import { UsageWhole } from '@/panels/UsageWhole.tsx';
import { useWhole } from '@/panels/useWhole.ts';
import { statsAddress } from '@/panels/question.ts';
import { carriedOf } from '@/panels/carried.ts';
import { rankedRoutes, rankedTokens } from '@/panels/ranked.tsx';
import { useZoomTools } from '@/panels/useZoomTools.ts';
import { PageHead } from '@/ui/PageHead.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { useView } from '@/url/useView.ts';
import type { View } from '@/url/view.ts';

function Charts({ of, view, address }: { of: Stats; view: View; address: string }) {
  const texts = useText();
  const format = useFormat(view.zone);
  const zoom = useZoomTools();
  const { usage } = texts;
  const routes = rankedRoutes(of.top_routes, of.other_routes, texts, format, carriedOf(view));
  const tokens = rankedTokens(of.top_tokens, of.other_tokens, texts, format, carriedOf(view));
  const shared = { of, zone: view.zone, address, zoom };
  return (
    <>
      <TrendPanel {...shared} compare={view.compare} />
      <div className="page-two">
        <Ranking title={usage.topTokens} of={usage.token} rows={tokens} by={view.by} address={address} tools={<ByPicker />} />
        <Ranking title={usage.topRoutes} of={usage.route} rows={routes} by={view.by} address={address} tools={<ByPicker />} />
      </div>
      <div className="page-two">
        <SharePanel title={usage.share} of={usage.route} rows={routes} address={address} />
        <SlowRoutes rows={of.slow_routes} address={address} />
        <StatusPanel {...shared} />
        <ErrorsPanel {...shared} />
      </div>
      <SlowCalls rows={of.slow_calls} zone={view.zone} address={address} />
    </>
  );
}

export default function AnalyticsPage() {
  const { usage } = useText();
  const [view] = useView();
  const now = useNow();
  const address = statsAddress(view, now);
  const result = useWhole<Stats>(address, 'stats', view);
  const of = 'data' in result ? result.data : undefined;
  return (
    <>
      <PageHead title={usage.title} />
      <UsageBar of={of} asks={of !== undefined} />
      <UsageWhole of={result} what={usage.title} view={view} address={address}>
        {(of) => <Charts of={of} view={view} address={address} />}
      </UsageWhole>
    </>
  );
}
