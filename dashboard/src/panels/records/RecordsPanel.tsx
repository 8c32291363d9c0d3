import './records.css';
import { Button } from '@/ui/Button.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { Link } from '@/ui/Link.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { Skeleton } from '@/ui/Skeleton.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { NO_FILTERS, hasFilters } from '@/url/filters.ts';
import { hrefWith, useOwn } from '@/url/own.ts';
import { go } from '@/url/place.ts';
import { useView, viewHref } from '@/url/useView.ts';
import { PanelMenu } from '../PanelMenu.tsx';
import { LiveBody } from '../live/lazy.ts';
import { liveFilter } from '../live/liveFilter.ts';
import { csvAddress } from '../question.ts';
import { FilterForm } from './FilterForm.tsx';
import { RecordTable } from './RecordTable.tsx';
import { useRecords } from './useRecords.ts';
import type { Own, Records } from './useRecords.ts';

function None({ isSearching }: { isSearching: boolean }) {
  const { records, usage } = useText();
  const [view] = useView();
  if (isSearching)
    return <Empty title={records.searching} />;
  return hasFilters(view.filters)
    ? <Empty title={records.noneFor} acts={<Link className="button" href={viewHref({ ...view, filters: NO_FILTERS })}>{usage.filter.clear}</Link>} />
    : <Empty title={records.none} />;
}

function Further({ of: { items, held, more }, zone }: { of: Records; zone: string }) {
  const { records, common } = useText();
  const format = useFormat(zone);
  return (
    <>
      {held && (
        <p className="records-state" role="status">{records.held(items.length, format.exact(items.length), format.time(held.at))}
          <Button onClick={held.release}>{records.latest}</Button></p>
      )}
      {more?.problem && <ProblemNotice problem={more.problem} what={records.title} retry={more.load} />}
      {more && <div className="table-more"><Button onClick={more.load} disabled={more.isLoading}>{common.act.nextPage}</Button></div>}
    </>
  );
}

// The single calls of a page: those of its range and filters, or as they end.
export function RecordsPanel({ own }: { own: Own }) {
  const { records } = useText();
  const [view] = useView();
  const isLive = useOwn('live') !== null;
  const found = useRecords(view, own, !isLive);
  const csv = csvAddress(found.address);
  return (
    <Panel title={isLive ? records.live.title : records.title} flush tools={<>
      <Button pressed={isLive} onClick={() => go(hrefWith('live', isLive ? null : 'on'))}><Icon name={isLive ? 'close' : 'play'} />{records.live.show}</Button>
      <FilterForm own={own} />
      <PanelMenu of={records.title} address={found.address} csv={csv} />
    </>}>
      {isLive ? (
        <LiveBody filter={liveFilter(view.filters, own)} own={own} zone={view.zone} most={100}
          waiting={<Skeleton height={200} what={records.live.title} />} />
      ) : (
        <Loaded of={found.first} what={records.title} height={400}>
          {() => (
            <>
              {found.items.length > 0 ? <RecordTable rows={found.items} own={own} zone={view.zone} /> : <None isSearching={found.more !== null} />}
              <Further of={found} zone={view.zone} />
            </>
          )}
        </Loaded>
      )}
    </Panel>
  );
}
