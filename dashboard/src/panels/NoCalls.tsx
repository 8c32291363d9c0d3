import type { Whole } from '@/api/types.ts';
import { fixRange } from '@/time/range.ts';
import { hasFilters, NO_FILTERS } from '@/url/filters.ts';
import { useView, viewHref } from '@/url/useView.ts';
import { Empty } from '@/ui/Empty.tsx';
import { Link } from '@/ui/Link.tsx';
import { hrefOf } from '@/url/pages.ts';
import { useFormat, useText } from '@/ui/reader.tsx';

const AROUND_MS = 12 * 3_600_000;

// Why there is nothing, and the next step: nothing ever, nothing in this range, nothing for these filters.
export function NoCalls({ of }: { of: Whole }) {
  const { usage, common } = useText();
  const [view] = useView();
  const format = useFormat(view.zone);
  if (hasFilters(view.filters))
    return <Empty title={usage.empty.filters} hint={usage.empty.filtersHint}
      acts={<Link className="button" href={viewHref({ ...view, filters: NO_FILTERS })}>{usage.empty.clear}</Link>} />;
  if (of.last_call_at === null)
    return <Empty title={usage.empty.ever} hint={usage.empty.everHint}
      acts={<Link className="button button-main" href={hrefOf({ name: 'tokens' })}>{common.nav.tokens}</Link>} />;
  const last = new Date(of.last_call_at);
  const around = fixRange({ from: new Date(last.getTime() - AROUND_MS), to: new Date(last.getTime() + AROUND_MS), zone: view.zone });
  return <Empty title={usage.empty.range} hint={usage.empty.rangeHint(format.instant(last))}
    acts={<Link className="button" href={viewHref({ ...view, range: around })}>{usage.empty.toLast}</Link>} />;
}
