import './FilterPills.css';
import { addressOfGet } from '@/api/call.ts';
import type { Stats, Token } from '@/api/types.ts';
import { useQuery } from '@/query/useQuery.ts';
import { NO_FILTERS, listFilters, removeFilter } from '@/url/filters.ts';
import type { Filter } from '@/url/filters.ts';
import { useView } from '@/url/useView.ts';
import { Button } from '@/ui/Button.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { useText } from '@/ui/reader.tsx';

// Of a token that the page's own answer does not name.
function useTokenName(id: string | null): Record<string, string> {
  const address = id === null ? null : addressOfGet('/api/tokens/{id}', { path: { id: Number(id) } });
  const token = useQuery<Token>(address, `token ${id}`);
  return 'data' in token && token.data ? { [`token:${id}`]: token.data.name } : {};
}

// `of`: the page's own answer, as far as it names tokens. `asks`: whether one that it does not name is asked for; a page
// that has two questions of its own leaves it.
export interface PillsProps { of?: { top_tokens: Stats['top_tokens'] } | undefined; asks?: boolean }

export function FilterPills({ of, asks = false }: PillsProps) {
  const { usage } = useText();
  const [view, change] = useView();
  const all = listFilters(view.filters);
  const names = Object.fromEntries(of?.top_tokens.map((t) => [`token:${t.id}`, t.name ?? '']) ?? []);
  const name = useTokenName(all.find((f) => asks && f.name === 'token' && !(`token:${f.value}` in names))?.value ?? null);
  const known: Readonly<Record<string, string>> = { ...name, ...names };
  const print = (f: Filter): string => `${usage.filter[f.name]}: ${known[`${f.name}:${f.value}`] ?? f.value}`;
  return (
    <>
      {view.bad.length > 0 && <Notice kind="warn">{usage.filter.bad(view.bad.join(', '))}</Notice>}
      {all.length > 0 && (
        <ul className="pills" aria-label={usage.filter.label}>
          {all.map((f) => (
            <li key={`${f.name}:${f.value}`} className="pill">
              <span>{print(f)}</span>
              <Button kind="quiet" label={usage.filter.remove(print(f))} onClick={() => change({ filters: removeFilter(view.filters, f) })}>
                <Icon name="close" />
              </Button>
            </li>
          ))}
          {all.length > 1 && <li><Button kind="quiet" onClick={() => change({ filters: NO_FILTERS })}>{usage.filter.clear}</Button></li>}
        </ul>
      )}
    </>
  );
}
