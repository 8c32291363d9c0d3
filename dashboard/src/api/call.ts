// Calls to the manager, typed by its description. The only part that fetches.
import type { paths } from './schema.gen.ts';
import { looksLikeKey } from '@/url/keyish.ts';
import { Problem, problemOf } from './problem.ts';

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;
type PathsWith<M extends Method> = { [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never }[keyof paths];
type Answers<O> = O extends { responses: infer R } ? R[keyof R & (200 | 201)] : never;
export type Json<P extends keyof paths, M extends Method> =
  Answers<Operation<P, M>> extends { content: { 'application/json': infer T } } ? T : undefined;
type Part<O, K extends string> = O extends { parameters: { [key in K]?: infer T } } ? T : never;
export type Query<P extends keyof paths, M extends Method = 'get'> = Part<Operation<P, M>, 'query'>;
type PathValues<P extends keyof paths, M extends Method> = Part<Operation<P, M>, 'path'>;
type Body<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { requestBody: { content: { 'application/json': infer T } } } ? T : never;

type Values = object | null | undefined;

// "/api/tokens/{id}" with its values, and a query; lists are repeated, what is undefined is left out.
export function addressOf(path: string, values: Values, query: Values): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String((values as Record<string, unknown> | null)?.[name] ?? '')));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined && one !== null && one !== '')
        search.append(name, String(one));
  const text = search.toString();
  return text ? `${filled}?${text}` : filled;
}

export function addressOfGet<P extends PathsWith<'get'>>(path: P, of: { path?: PathValues<P, 'get'>; query?: Query<P> } = {}): string {
  return addressOf(path, of.path, of.query);
}

// A key goes to whoever signs in by it, and else only into a header: texts are stored, and addresses logged.
async function send(address: string, init: RequestInit): Promise<unknown> {
  if (looksLikeKey(address) || (address !== '/api/session' && looksLikeKey(String(init.body))))
    throw new Problem({ code: 'invalid_field', status: 400, detail: '' });
  const response = await fetch(address, { credentials: 'same-origin', ...init }).catch((e: unknown) => {
    if (e instanceof DOMException && e.name === 'AbortError')
      throw e;
    throw new Problem({ code: 'network', status: 0, detail: '' });
  });
  if (!response.ok)
    throw await problemOf(response);
  if (response.status === 204)
    return undefined;
  return response.json().catch(() => {
    throw new Problem({ code: 'unexpected', status: response.status, detail: '', requestId: response.headers.get('Tollgate-Request-Id') });
  });
}

export const getAddress = <T>(address: string, signal?: AbortSignal): Promise<T> =>
  send(address, signal ? { signal } : {}) as Promise<T>;

export interface Change<P extends keyof paths, M extends Method> {
  path?: PathValues<P, M>;
  query?: Query<P, M>;
  body?: Body<P, M>;
  headers?: Record<string, string>;
}

// A change; never sent twice by itself.
export function change<M extends Exclude<Method, 'get'>, P extends PathsWith<M>>(
  method: M, path: P, of: Change<P, M> = {}): Promise<Json<P, M>> {
  const body = of.body === undefined ? {} : { body: JSON.stringify(of.body) };
  return send(addressOf(path, of.path, of.query), {
    method: method.toUpperCase(),
    headers: { ...(of.body === undefined ? {} : { 'Content-Type': 'application/json' }), ...of.headers },
    ...body,
  }) as Promise<Json<P, M>>;
}

// A key holder's own call: the key is in its header, and nowhere else.
export const getWithKey = <T>(address: string, key: string): Promise<T> =>
  send(address, { headers: { 'X-API-Key': key }, credentials: 'omit' }) as Promise<T>;

// What the manager said of an address, which its description gives this type.
export const asAnswer = <T>(data: unknown): T | undefined => data as T | undefined;
