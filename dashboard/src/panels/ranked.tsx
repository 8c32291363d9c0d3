// Rankings' rows, of the API's.
import type { RankedRoute, RankedToken, Stats } from '@/api/types.ts';
import type { Texts } from '@/text/en/texts.ts';
import type { Format } from '@/text/format.ts';
import { hrefOf } from '@/url/pages.ts';
import { Link } from '@/ui/Link.tsx';
import type { Ranked } from './Ranking.tsx';

type Numbers = Omit<Ranked, 'key' | 'name' | 'face'>;
const numbers = (r: Numbers): Numbers => ({
  calls: r.calls, errors: r.errors, error_rate: r.error_rate, mean_ms: r.mean_ms, time_ms: r.time_ms, cost: r.cost, share: r.share,
});

function others(count: number, of: Numbers, texts: Texts, format: Format): Ranked {
  const name = texts.usage.others(count, format.exact(count));
  return { ...numbers(of), key: 'others', name, face: <span className="soft">{name}</span> };
}

export function rankedTokens(tokens: readonly RankedToken[], rest: Stats['other_tokens'], texts: Texts, format: Format, carried: string): Ranked[] {
  const rows = tokens.map((t): Ranked => {
    const name = t.name ?? (t.id === null ? texts.usage.noToken : `#${t.id}`);
    return {
      ...numbers(t), key: String(t.id), name,
      face: t.id === null ? <span className="soft">{name}</span> : <Link href={hrefOf({ name: 'token', id: t.id }) + carried}>{name}</Link>,
    };
  });
  return rest ? [...rows, others(rest.tokens, rest, texts, format)] : rows;
}

export function rankedRoutes(routes: readonly RankedRoute[], rest: Stats['other_routes'], texts: Texts, format: Format, carried: string): Ranked[] {
  const rows = routes.map((r): Ranked => {
    const name = r.route ?? texts.usage.noRoute;
    return {
      ...numbers(r), key: r.route ?? '', name,
      face: r.route === null ? <span className="soft">{name}</span>
        : <Link href={hrefOf({ name: 'route', path: r.route }) + carried.replace('?', '&')}><code>{name}</code></Link>,
    };
  });
  return rest ? [...rows, others(rest.routes, rest, texts, format)] : rows;
}
