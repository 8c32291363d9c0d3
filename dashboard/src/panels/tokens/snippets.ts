// What a new key's holder copies: a call of a route that the key opens, from a shell, n8n and the OpenAI SDK.
export interface Routes {
  items: readonly { name: string; path: string; scope: string | null; upstreams: readonly string[] }[];
  gateway: { ports: readonly number[]; tls_ports: readonly number[] };
}
type Route = Routes['items'][number];

// On the manager's host, by a port that gateways listen on; null where there is none. A proxy may have it elsewhere.
export function gatewayBeside(managerOrigin: string, { ports, tls_ports: tls }: Routes['gateway']): string | null {
  const { hostname, protocol } = new URL(managerOrigin);
  const isTls = tls.length > 0 && (protocol === 'https:' || ports.length === 0);
  const port = isTls ? tls[0] : ports[0];
  return port === undefined ? null : new URL(`${isTls ? 'https' : 'http'}://${hostname}:${port}`).origin;
}

// Where nobody has asked for the ports: on this machine, by the standard one.
const LOCAL = /^(localhost|127(\.\d+){3}|\[::1\])$/;
export const gatewayHere = (managerOrigin: string): string | null =>
  LOCAL.test(new URL(managerOrigin).hostname) ? gatewayBeside(managerOrigin, { ports: [8787], tls_ports: [] }) : null;

// Which paths each scope opens; null are those that any key may use.
export function pathsByScope(items: readonly Route[]): { scope: string | null; paths: string[] }[] {
  const scopes = [...new Set(items.map((r) => r.scope))].sort((a, b) => (a ?? '').localeCompare(b ?? ''));
  return scopes.map((scope) => ({ scope, paths: items.filter((r) => r.scope === scope).map((r) => r.path) }));
}

// Routes that the scopes open: those of their own first, then those that any key may use.
export function routesFor(scopes: readonly string[], items: readonly Route[]): Route[] {
  const all = scopes.includes('*');
  return [...items.filter((r) => r.scope !== null && (all || scopes.includes(r.scope))), ...items.filter((r) => r.scope === null)];
}

// The SDK wants an API of that kind behind its route; names are all that one can tell it by.
export const routeOfSdk = (routes: readonly Route[]): Route | undefined =>
  routes.find((r) => /openai|gpt|llm/i.test(`${r.name} ${r.path} ${r.upstreams.join(' ')}`));

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const at = (gateway: string, route: string): string => gateway.trim().replace(/\/+$/, '') + route;

export const urlOf = at;
export const curlWithKey = (gateway: string, route: string, key: string): string =>
  `curl -i -H ${quote(`X-API-Key: ${key}`)} ${quote(at(gateway, route))}`;

export function sdkWithKey(gateway: string, route: string, key: string): string {
  const url = at(gateway, route).replace(/\/+$/, '');
  return `from openai import OpenAI\n\nclient = OpenAI(base_url=${JSON.stringify(url)},\n                api_key=${JSON.stringify(key)})\nprint(client.models.list())`;
}
