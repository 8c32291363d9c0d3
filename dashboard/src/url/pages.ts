// Which page an address is, and the address of each.
import { withoutKeys } from './keyish.ts';

export type Page =
  | { name: 'dashboard' | 'analytics' | 'tokens' | 'teams' | 'users' | 'audit' | 'nodes' | 'self' | 'account' | 'signIn' | 'missing' }
  | { name: 'token'; id: number }
  | { name: 'team'; id: number }
  | { name: 'user'; id: number }
  | { name: 'route'; path: string };

export type PageName = Page['name'];

const PLAIN = {
  dashboard: '/dashboard', analytics: '/usage-analytics', tokens: '/tokens', teams: '/teams', users: '/users',
  audit: '/audit', nodes: '/nodes', self: '/self', account: '/account', signIn: '/sign-in',
} as const;

const WITH_ID = { token: '/token-usage/', team: '/teams/', user: '/users/' } as const;

const PLAIN_NAMES = ['dashboard', 'analytics', 'tokens', 'teams', 'users', 'audit', 'nodes', 'self', 'account', 'signIn'] as const;
const ID_NAMES = ['token', 'team', 'user'] as const;

// Ids are 64-bit; those that a number cannot hold exactly are no page.
function idOf(text: string): number | null {
  const id = /^[1-9]\d{0,18}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(id) ? id : null;
}

export function pageOf(path: string, search: string): Page {
  const at = path.length > 1 ? path.replace(/\/+$/, '') : path;
  if (at === '/' || at === '')
    return { name: 'dashboard' };
  const plain = PLAIN_NAMES.find((name) => PLAIN[name] === at);
  if (plain)
    return { name: plain };
  for (const name of ID_NAMES) {
    const id = at.startsWith(WITH_ID[name]) ? idOf(at.slice(WITH_ID[name].length)) : null;
    if (id !== null)
      return { name, id };
  }
  if (at === '/route-usage')
    return { name: 'route', path: withoutKeys(new URLSearchParams(search).get('path') ?? '') };
  return { name: 'missing' };
}

// What stands behind an address of the list, too, is a token's page.
export const settledPath = (path: string): string => path.replace(/^\/tokens\/([1-9]\d{0,18})\/*$/, `${WITH_ID.token}$1`);

export function hrefOf(page: Page): string {
  if (page.name === 'route')
    return `/route-usage?${new URLSearchParams({ path: page.path })}`;
  if ('id' in page)
    return WITH_ID[page.name] + String(page.id);
  return page.name === 'missing' ? '/dashboard' : PLAIN[page.name];
}
