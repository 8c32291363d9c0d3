import '@/panels/FilterPills.css';
import { Button } from '@/ui/Button.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { useText } from '@/ui/reader.tsx';
import type { AuditFilters } from './AuditPage.tsx';

const NAMES = ['action', 'target', 'target_id', 'actor', 'user', 'team', 'from', 'to'] as const;

// Filters that are set, each with a way to take it away.
export function AuditPills({ filters }: { filters: AuditFilters }) {
  const { audit: words, list } = useText().people;
  const there = NAMES.filter((name) => filters.params[name]);
  if (there.length === 0)
    return null;
  return (
    <ul className="pills" aria-label={words.filters}>
      {there.map((name) => {
        const text = `${words.pill[name]}: ${filters.params[name] ?? ''}`;
        return (
          <li key={name} className="pill">
            <span>{text}</span>
            <Button kind="quiet" label={words.takeAway(text)} onClick={() => filters.set({ [name]: '' })}><Icon name="close" /></Button>
          </li>
        );
      })}
      {there.length > 1 && <li><Button kind="quiet" onClick={filters.clear}>{list.clear}</Button></li>}
    </ul>
  );
}
