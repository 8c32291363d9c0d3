// The rows of charts, of the API's points.
import type { Before, Point } from '@/api/types.ts';
import type { TimeRow } from '@/charts/series.ts';

export const rowsOf = (points: readonly Point[], values: (p: Point, i: number) => TimeRow['values']): TimeRow[] =>
  points.map((p, i) => ({ at: p.at, until: p.until, complete: p.complete, values: values(p, i) }));

export const trendRows = (points: readonly Point[], before: Before | null): TimeRow[] =>
  rowsOf(points, (p, i) => ({
    calls: p.calls, mean_ms: p.mean_ms, p50_ms: p.p50_ms ?? null, p95_ms: p.p95_ms ?? null, p99_ms: p.p99_ms ?? null,
    before_calls: before?.points[i]?.calls ?? null, before_ms: before?.points[i]?.mean_ms ?? null,
  }));

export const statusRows = (points: readonly Point[]): TimeRow[] => rowsOf(points, (p) => ({ ...p.statuses }));

export const errorRows = (points: readonly Point[]): TimeRow[] => rowsOf(points, (p) => ({ ...p.errors_by }));
