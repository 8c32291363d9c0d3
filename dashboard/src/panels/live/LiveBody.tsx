import './live.css';
import { Problem } from '@/api/problem.ts';
import type { Live } from '@/query/liveFeed.ts';
import { useLive } from '@/query/useLive.ts';
import { Badge } from '@/ui/Badge.tsx';
import { Button } from '@/ui/Button.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { problemTitle } from '@/ui/ProblemNotice.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import type { Own } from '../records/useRecords.ts';
import { LiveTable } from './LiveTable.tsx';

function StateBadge({ live }: { live: Live }) {
  const { state } = useText().records.live;
  const isPaused = live.held !== null;
  const kind = live.state !== 'open' ? 'warn' : isPaused ? 'plain' : 'good';
  return <Badge kind={kind}><span className="live-dot" />{live.state === 'open' && isPaused ? state.paused : state[live.state]}</Badge>;
}

function Why({ live }: { live: Live }) {
  const texts = useText();
  const words = texts.records.live;
  switch (live.state) {
    case 'waiting': {
      const title = live.code === null ? words.state.waiting : problemTitle(new Problem({ code: live.code, status: 0, detail: '' }), texts);
      return <Notice kind="warn">{words.why(title)}</Notice>;
    }
    case 'ended': return <Notice kind="warn">{words.ended}</Notice>;
    case 'crowded': return <Notice kind="warn">{words.crowded}</Notice>;
    default: return null;
  }
}

interface Props { filter: string; own: Own; zone: string; most: number }

// Calls as they end, with a pause button; how many came is said aloud now and then.
export function LiveBody({ filter, own, zone, most }: Props) {
  const { records } = useText();
  const words = records.live;
  const format = useFormat();
  const { live, pause, goOn } = useLive(filter);
  const isPaused = live.held !== null;
  return (
    <>
      <div className="live-head">
        <StateBadge live={live} />
        <Button onClick={isPaused ? goOn : pause}><Icon name={isPaused ? 'play' : 'pause'} />{isPaused ? words.goOn : words.pause}</Button>
        <span className="soft">{isPaused ? words.held(format.exact(live.heldCount)) : words.count(format.exact(live.calls))}</span>
        <span className="only-read" role="status">{live.spoken
          ? words.said(format.exact(live.spoken.calls), format.exact(live.spoken.errors)) : ''}</span>
      </div>
      <Why live={live} />
      {live.rows.length > 0 ? <LiveTable rows={live.rows.slice(0, most)} own={own} zone={zone} /> : <p className="live-wait">{words.waiting}</p>}
    </>
  );
}
