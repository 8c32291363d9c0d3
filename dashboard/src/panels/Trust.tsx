import './Trust.css';
import type { Whole } from '@/api/types.ts';
import { useNow, useSeen } from '@/query/clock.ts';
import { oddDays } from '@/time/days.ts';
import { Ago } from '@/ui/Ago.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { lags } from './trust.ts';

// How far these numbers can be trusted: up to when calls are counted, what is missing, days that are no 24 hours.
export function Trust({ of, isOld }: { of: Whole; isOld: boolean }) {
  const { common, usage } = useText();
  const now = useNow();
  const seen = useSeen();
  const format = useFormat(of.zone);
  const asOf = of.as_of === null ? null : new Date(of.as_of);
  const isLate = lags(of, now);
  const odd = oddDays(new Date(of.from), new Date(of.to), of.zone);
  const silent = of.silent_nodes.map((n) => n.name);
  return (
    <ul className="trust">
      <li className={isLate ? 'warn' : 'soft'}>
        {isLate && <Icon name="warn" />}
        {isLate && asOf ? common.refresh.lags(format.ago(asOf, seen)) : <>{common.refresh.asOf('')}<Ago at={of.as_of} never={common.state.unknown} /></>}
      </li>
      {silent.length > 0 && <li className="warn"><Icon name="warn" />{common.refresh.silent(format.list(silent))}</li>}
      {of.waiting > 0 && <li className="warn" title={of.uncounted.join('\n')}><Icon name="warn" />{usage.uncounted(format.exact(of.waiting))}</li>}
      {odd.map((d) => <li key={d.at.getTime()} className="soft">{usage.range.odd(format.day(d.at), String(d.hours))}</li>)}
      {isOld && <li className="soft">{common.state.refreshing}</li>}
    </ul>
  );
}
