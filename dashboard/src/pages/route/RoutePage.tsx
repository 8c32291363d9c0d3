import '@/ui/page.css';
import type { RouteUsage } from '@/api/types.ts';
import type { Series } from '@/charts/series.ts';
import { useNow } from '@/query/clock.ts';
import { ByPicker } from '@/panels/ByPicker.tsx';
import { CoursePanel } from '@/panels/CoursePanel.tsx';
import { Ranking } from '@/panels/Ranking.tsx';
import { SharePanel } from '@/panels/SharePanel.tsx';
import { ErrorsPanel, StatusPanel } from '@/panels/StatusPanel.tsx';
import { TrendPanel } from '@/panels/TrendPanel.tsx';
import { UsageBar } from '@/panels/UsageBar.tsx';
import { UsageWhole } from '@/panels/UsageWhole.tsx';
import { useWhole } from '@/panels/useWhole.ts';
import { carriedOf } from '@/panels/carried.ts';
import { routeUsageAddress } from '@/panels/question.ts';
import { rankedTokens } from '@/panels/ranked.tsx';
import { CallDialog } from '@/panels/records/CallDialog.tsx';
import { RecordsPanel } from '@/panels/records/RecordsPanel.tsx';
import { trendRows } from '@/panels/timeRows.ts';
import { useZoomTools } from '@/panels/useZoomTools.ts';
import type { ZoomTools } from '@/panels/useZoomTools.ts';
import { Empty } from '@/ui/Empty.tsx';
import { Link } from '@/ui/Link.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { Skeleton } from '@/ui/Skeleton.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';
import { useOwn } from '@/url/own.ts';
import { useView } from '@/url/useView.ts';
import type { View } from '@/url/view.ts';
import { RouteFacts } from './RouteFacts.tsx';

interface PartProps { of: RouteUsage; view: View; address: string; zoom: ZoomTools }

function Times({ of, view, address, zoom }: PartProps) {
  const { usage, records } = useText();
  const format = useFormat(view.zone);
  const series: Series[] = [
    { key: 'p50_ms', label: usage.p50, color: 'var(--series-3)', kind: 'line', unit: 'ms' },
    { key: 'p95_ms', label: usage.p95, color: 'var(--series-2)', kind: 'line', unit: 'ms' },
    { key: 'p99_ms', label: usage.p99, color: 'var(--series-4)', kind: 'line', unit: 'ms', dashed: true },
  ];
  const ms = (v: number | null | undefined): string => (v === null || v === undefined ? '–' : format.ms(v));
  const { totals: t } = of;
  return <CoursePanel title={records.routePage.percentiles} summary={records.routePage.timeSummary(ms(t.p50_ms), ms(t.p95_ms), ms(t.p99_ms))}
    rows={trendRows(of.points, of.before)} series={series} zone={view.zone} address={address} zoom={zoom} />;
}

function Charts({ of, view, address }: Omit<PartProps, 'zoom'>) {
  const texts = useText();
  const format = useFormat(view.zone);
  const zoom = useZoomTools();
  const { usage, records } = texts;
  const tokens = rankedTokens(of.top_tokens, of.other_tokens, texts, format, carriedOf(view));
  const shared = { of, zone: view.zone, address, zoom };
  return (
    <>
      <TrendPanel {...shared} compare={view.compare} />
      <Times of={of} view={view} address={address} zoom={zoom} />
      <div className="page-two">
        <Ranking title={records.routePage.tokens} of={usage.token} rows={tokens} by={view.by} address={address} tools={<ByPicker />} />
        <SharePanel title={records.routePage.share} of={usage.token} rows={tokens} address={address} />
        <ErrorsPanel {...shared} />
        <StatusPanel {...shared} />
      </div>
    </>
  );
}

function Missing({ path }: { path: string }) {
  const { records, common } = useText();
  return (
    <>
      <PageHead title={path || records.routePage.title} />
      <Empty title={records.routePage.missing} hint={records.routePage.missingHint}
        acts={<Link className="button" href={hrefOf({ name: 'analytics' })}>{common.nav.analytics}</Link>} />
    </>
  );
}

function OfRoute({ path }: { path: string }) {
  const { records } = useText();
  const [view] = useView();
  const now = useNow();
  const address = routeUsageAddress(path, view, now);
  const result = useWhole<RouteUsage>(address, `route ${path}`, view);
  if (result.state === 'failed' && result.problem.status === 404)
    return <Missing path={path} />;
  const data = 'data' in result ? result.data : undefined;
  return (
    <>
      <PageHead title={path} />
      {data ? <RouteFacts of={data} /> : result.state === 'loading' && <Skeleton height={180} what={records.routePage.facts} />}
      <UsageBar of={data} />
      <UsageWhole of={result} what={records.routePage.title} view={view} address={address}>
        {(of) => <Charts of={of} view={view} address={address} />}
      </UsageWhole>
      <RecordsPanel own={{ route: path }} />
      <CallDialog zone={view.zone} />
    </>
  );
}

// One route: what it is, how fast it answers, and who calls it.
export default function RoutePage() {
  const path = useOwn('path') ?? '';
  return path ? <OfRoute key={path} path={path} /> : <Missing path="" />;
}
