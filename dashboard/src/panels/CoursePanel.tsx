import type { ReactNode } from 'react';
import { TimeFigure } from '@/charts/TimeFigure.tsx';
import type { Series, TimeRow } from '@/charts/series.ts';
import { Panel } from '@/ui/Panel.tsx';
import { PanelMenu } from './PanelMenu.tsx';
import { TableSwitch } from './TableSwitch.tsx';
import { csvOf } from './csv.ts';
import { useTable } from './useTable.ts';
import type { ZoomTools } from './useZoomTools.ts';

interface Props {
  title: string; summary: string; rows: readonly TimeRow[]; series: readonly Series[]; zone: string; address: string;
  zoom: ZoomTools; note?: ReactNode;
}

// Any course over time, as a chart or a table.
export function CoursePanel({ title, summary, rows, series, zone, address, zoom, note }: Props) {
  const table = useTable();
  const csv = (): string => csvOf(['at', 'until', ...series.map((s) => s.key)],
    rows.map((r) => [r.at, r.until, ...series.map((s) => r.values[s.key])]));
  return (
    <Panel title={title} note={note} tools={<><TableSwitch {...table} /><PanelMenu of={title} address={address} csv={csv} /></>}>
      <div onDoubleClick={zoom.back}>
        <TimeFigure name={title} summary={summary} rows={rows} series={series} zone={zone} height={220} asTable={table.asTable}
          onZoom={zoom.zoom} />
      </div>
    </Panel>
  );
}
