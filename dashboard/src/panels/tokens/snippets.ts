// What a new key's holder copies: a call of a route that the key opens, from a shell, n8n and the OpenAI SDK.
export interface ScopeRoutes { scope: string | null; routes: readonly string[] }

const LOCAL = /^(localhost|127(\.\d+){3}|\[::1\])$/;
export const STANDARD_PORT = 8787;

// The gateway beside a manager on this machine, by its standard port. Null: nobody knows here.
export function gatewayBeside(managerOrigin: string): string | null {
  const { hostname } = new URL(managerOrigin);
  return LOCAL.test(hostname) ? `http://${hostname}:${STANDARD_PORT}` : null;
}

// Routes that the scopes open: those of their own first, then those that ask for none.
export function routesFor(scopes: readonly string[], known: readonly ScopeRoutes[]): string[] {
  const all = scopes.includes('*');
  const opened = known.filter((k) => k.scope !== null && (all || scopes.includes(k.scope)));
  return [...new Set([...opened, ...known.filter((k) => k.scope === null)].flatMap((k) => k.routes))];
}

// The SDK needs a route in front of such an API; by its name is as good as one can tell.
export const routeOfSdk = (routes: readonly string[]): string | undefined =>
  routes.find((r) => /openai|gpt|llm|v1/i.test(r)) ?? routes[0];

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const at = (gateway: string, route: string): string => gateway.replace(/\/+$/, '') + route.replace(/\/?\*$/, '');

export const urlOf = at;
export const curlWithKey = (gateway: string, route: string, key: string): string =>
  `curl -i -H ${quote(`X-API-Key: ${key}`)} ${quote(at(gateway, route))}`;

export function sdkWithKey(gateway: string, route: string, key: string): string {
  const base = at(gateway, route).replace(/\/+$/, '');
  const url = /\/v1$/.test(base) ? base : `${base}/v1`;
  return `from openai import OpenAI\n\nclient = OpenAI(base_url=${JSON.stringify(url)},\n                api_key=${JSON.stringify(key)})\nprint(client.models.list())`;
}
