import './UsageBar.css';
import { PERIODS, catchUp, setPeriod, tick, useNow, usePeriod } from '@/query/clock.ts';
import { refresh } from '@/query/store.ts';
import { isMe } from '@/query/useMe.ts';
import { fixRange, shiftRange } from '@/time/range.ts';
import type { Range } from '@/time/range.ts';
import { origin } from '@/url/place.ts';
import { NO_FILTERS } from '@/url/filters.ts';
import { useView, viewHref } from '@/url/useView.ts';
import { COMPARES } from '@/url/view.ts';
import type { Compare } from '@/url/view.ts';
import { Button } from '@/ui/Button.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { Select } from '@/ui/Select.tsx';
import { copyText } from '@/ui/Copy.tsx';
import { tell } from '@/ui/toasts.ts';
import { useFormat, useText } from '@/ui/reader.tsx';
import { useKeys } from '@/ui/useKeys.ts';
import { FilterPills } from './FilterPills.tsx';
import type { PillsProps } from './FilterPills.tsx';
import { RangePicker } from './RangePicker.tsx';
import { rangeOf } from './question.ts';

// What the clock moves is asked for by other addresses then; the rest, as whole ranges of the past, once those are under way.
export function refreshNow(): void {
  tick();
  setTimeout(() => refresh((address) => !isMe(address)));
}

function RefreshTools() {
  const period = usePeriod();
  const format = useFormat();
  const { common } = useText();
  return (
    <>
      <Select quiet label={common.refresh.label} value={String(period)}
        onChange={(text) => { const p = PERIODS.find((k) => String(k) === text); if (p !== undefined) setPeriod(p); }}
        options={PERIODS.map((p) => ({ value: String(p), label: p === 0 ? common.refresh.off : common.refresh.every(format.duration(p * 1000)) }))} />
      <Button kind="quiet" label={common.act.refresh} onClick={refreshNow}><Icon name="refresh" /></Button>
    </>
  );
}

function ShareLink({ range }: { range: Range }) {
  const { usage, common } = useText();
  const [view] = useView();
  const share = async (): Promise<void> => {
    const link = origin() + viewHref({ ...view, range: fixRange(range) });
    const done = await copyText(link);
    tell(done ? common.act.copied : link, done ? {} : { kind: 'bad' });
  };
  return <Button kind="quiet" label={usage.range.share} onClick={() => void share()}><Icon name="link" /></Button>;
}

// Range, what it is compared with, filters; the same on each page that shows usage.
export function UsageBar(pills: PillsProps) {
  const { usage } = useText();
  const [view, change] = useView();
  const now = useNow();
  const range = rangeOf(view, now);
  const move = (by: -1 | 1): void => change({ range: fixRange(shiftRange(range, by, now)) });
  useKeys({ ArrowLeft: () => move(-1), ArrowRight: () => move(1), Escape: () => change({ filters: NO_FILTERS }) });
  return (
    <div className="usage-bar">
      <div className="usage-bar-row">
        <Button kind="quiet" label={usage.range.back} onClick={() => move(-1)}><Icon name="left" /></Button>
        <RangePicker written={view.range} range={range} onChange={(r, zone) => { catchUp(); change({ range: r, zone }); }} />
        <Button kind="quiet" label={usage.range.forward} onClick={() => move(1)}
          disabled={range.to.getTime() >= now.getTime() - 1000}><Icon name="right" /></Button>
        <Select<Compare> quiet label={usage.compare.label} value={view.compare} onChange={(compare) => change({ compare })}
          options={COMPARES.map((c) => ({ value: c, label: `${usage.compare.label} ${usage.compare[c]}` }))} />
        <span className="usage-bar-end"><ShareLink range={range} /><RefreshTools /></span>
      </div>
      <FilterPills {...pills} />
    </div>
  );
}
