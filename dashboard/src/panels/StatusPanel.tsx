import type { Whole } from '@/api/types.ts';
import type { Series } from '@/charts/series.ts';
import { useFormat, useText } from '@/ui/reader.tsx';
import { CoursePanel } from './CoursePanel.tsx';
import { errorRows, statusRows } from './timeRows.ts';
import type { ZoomTools } from './useZoomTools.ts';

interface Props { of: Whole; zone: string; address: string; zoom: ZoomTools }

const CLASSES = [
  { key: '2xx', color: 'var(--series-3)' }, { key: '3xx', color: 'var(--series-5)' }, { key: '4xx', color: 'var(--series-2)' },
  { key: '5xx', color: 'var(--series-6)' }, { key: '1xx', color: 'var(--series-8)' }, { key: 'none', color: 'var(--series-rest)' },
] as const;

// Calls by status class over time.
export function StatusPanel({ of, zone, address, zoom }: Props) {
  const { usage } = useText();
  const format = useFormat(zone);
  const { statuses } = of.totals;
  const there = CLASSES.filter(({ key }) => statuses[key] > 0 || key === '2xx' || key === '5xx');
  const label = (key: string): string => (key === 'none' ? usage.noStatus : key);
  const series: Series[] = there.map(({ key, color }) => ({ key, label: label(key), color, kind: 'bar', stack: 'all', unit: 'count' }));
  const summary = there.map(({ key }) => `${label(key)}: ${format.exact(statuses[key])}`).join(', ');
  return <CoursePanel title={usage.statuses} summary={summary} rows={statusRows(of.points)} series={series} zone={zone} address={address} zoom={zoom} />;
}

// Errors over time, by whose they are.
export function ErrorsPanel({ of, zone, address, zoom }: Props) {
  const { usage } = useText();
  const format = useFormat(zone);
  const by = of.totals.errors_by;
  const series: Series[] = [
    { key: 'ours', label: usage.ours, color: 'var(--series-6)', kind: 'bar', stack: 'all', unit: 'count' },
    { key: 'upstream', label: usage.upstream, color: 'var(--series-2)', kind: 'bar', stack: 'all', unit: 'count' },
    { key: 'client', label: usage.client, color: 'var(--series-5)', kind: 'bar', stack: 'all', unit: 'count' },
  ];
  const summary = `${usage.ours}: ${format.exact(by.ours)}, ${usage.upstream}: ${format.exact(by.upstream)}, ${usage.client}: ${format.exact(by.client)}`;
  return <CoursePanel title={usage.errorsBy} summary={summary} rows={errorRows(of.points)} series={series} zone={zone} address={address} zoom={zoom} />;
}
