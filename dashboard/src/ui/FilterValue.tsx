import './FilterValue.css';
import type { ReactNode } from 'react';
import { addFilter } from '@/url/filters.ts';
import type { Filter } from '@/url/filters.ts';
import { useView, viewHref } from '@/url/useView.ts';
import { Link } from './Link.tsx';
import { useText } from './reader.tsx';

// A value that filters the page when it is clicked.
export function FilterValue({ filter, children, what }: { filter: Filter; children: ReactNode; what: string }) {
  const [view] = useView();
  const { usage } = useText();
  return (
    <Link className="filter-value" href={viewHref({ ...view, filters: addFilter(view.filters, filter) })}
      title={usage.filter.by(what)}>{children}</Link>
  );
}
