// What a reader looks for: a page, a token by name, start or id, a route, a call by its id, a token by a whole key
// or its hash. What looks like a key, also among other words, is hashed at once: only its hash leaves this function.
import { addressOfGet, change, getAddress } from '@/api/call.ts';
import { asProblem } from '@/api/problem.ts';
import type { Call, RouteConfiguration, Token } from '@/api/types.ts';
import { callHref, isOurId } from '@/panels/callHref.ts';
import { keyIn } from '@/url/keyish.ts';
import { hrefOf } from '@/url/pages.ts';
import { sha256Hex } from './sha256.ts';

export type Kind = 'token' | 'route' | 'call';
export interface Found { kind: Kind; name: string; detail: string; href: string; isFormer?: boolean }

const WHOLE_KEY = /^ntk_[0-9A-Za-z]{20,}$/;
const HASH = /^[0-9a-fA-F]{64}$/;

const ofToken = (t: Token): Found =>
  ({ kind: 'token', name: t.name, detail: `#${t.id} · ${t.key_start ?? ''}`, href: hrefOf({ name: 'token', id: t.id }) });

async function byHash(hash: string): Promise<Found[]> {
  const found = await change('post', '/api/lookup', { body: { token_hash: hash.toLowerCase() } });
  return [{ ...ofToken(found.token), isFormer: found.secret === 'old' }];
}

async function byRequestId(id: string): Promise<Found[]> {
  const call = await getAddress<Call>(addressOfGet('/api/usage/logs/{request_id}', { path: { request_id: id } }));
  const href = callHref(call);
  return href ? [{ kind: 'call', name: id, detail: call.route_path ?? '', href }] : [];
}

async function byText(text: string, signal: AbortSignal): Promise<Found[]> {
  const [tokens, routes] = await Promise.all([
    getAddress<{ items: Token[] }>(addressOfGet('/api/tokens', { query: { q: text, limit: 8 } }), signal),
    getAddress<{ items: RouteConfiguration[] }>(addressOfGet('/api/routes'), signal),
  ]);
  const wanted = text.toLowerCase();
  const fit = routes.items.filter((r) => r.path.toLowerCase().includes(wanted) || r.name.toLowerCase().includes(wanted));
  return [...tokens.items.map(ofToken), ...fit.slice(0, 6).map((r): Found =>
    ({ kind: 'route', name: r.path, detail: r.name, href: hrefOf({ name: 'route', path: r.path }) }))];
}

// Nothing found is an empty list, not a failure.
export async function find(text: string, signal: AbortSignal): Promise<Found[]> {
  const wanted = text.trim();
  const key = keyIn(wanted);
  try {
    if (key !== undefined)
      return WHOLE_KEY.test(key) ? await byHash(sha256Hex(key)) : [];
    if (HASH.test(wanted))
      return await byHash(wanted);
    if (isOurId(wanted))
      return await byRequestId(wanted);
    return wanted ? await byText(wanted, signal) : [];
  } catch (e) {
    if (asProblem(e).code === 'not_found')
      return [];
    throw e;
  }
}
