import { useState } from 'react';
import { Button } from '@/ui/Button.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { Skeleton } from '@/ui/Skeleton.tsx';
import { useText } from '@/ui/reader.tsx';
import { useView } from '@/url/useView.ts';
import { LiveBody } from './lazy.ts';
import { liveFilter } from './liveFilter.ts';

const KEY = 'tollgate.live';
const MOST = 12;
const OWN = {};

// The latest requests as they end; off until asked for, which this browser remembers.
export function LiveStrip() {
  const { live } = useText().records;
  const [view] = useView();
  const [isOn, setOn] = useState(() => window.localStorage.getItem(KEY) === 'on');
  const turn = (): void => {
    window.localStorage.setItem(KEY, isOn ? 'off' : 'on');
    setOn(!isOn);
  };
  return (
    <Panel title={live.title} flush={isOn} tools={
      <Button onClick={turn} kind={isOn ? 'quiet' : 'plain'}><Icon name={isOn ? 'close' : 'play'} />{isOn ? live.off : live.on}</Button>
    }>
      {isOn ? (
        <LiveBody filter={liveFilter(view.filters, OWN)} own={OWN} zone={view.zone} most={MOST}
          waiting={<Skeleton height={200} what={live.title} />} />
      ) : <p className="soft">{live.offHint}</p>}
    </Panel>
  );
}
