// The same question for a shell. Keys stay variables: nothing secret stands in what is copied.
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export const curlOf = (address: string, origin: string): string =>
  `curl -H "Authorization: Bearer $TOLLGATE_ADMIN_KEY" ${quote(origin + address)}`;

const QUESTIONS: Record<string, string> = {
  '/api/usage/stats': 'stats', '/api/usage/cost': 'cost', '/api/usage/logs': 'rows', '/api/usage/route': 'route',
};
const OPTIONS: Record<string, string> = {
  from: 'from', to: 'to', zone: 'zone', compare: 'compare', by: 'by', step: 'step', status: 'status', class: 'status',
  outcome: 'outcome', method: 'method', address: 'address', min_ms: 'min-ms',
};
const LISTS: Record<string, string> = { token: 'tokens', route: 'routes', team: 'teams', path: 'routes' };

// As `tollgate usage ask` has it.
export function askOf(address: string): string {
  const [path = '', search = ''] = address.split('?');
  const query = new URLSearchParams(search);
  const token = /^\/api\/usage\/token\/(\d+)$/.exec(path)?.[1];
  const words = ['tollgate usage ask', token ? 'token' : QUESTIONS[path] ?? 'stats'];
  for (const [name, option] of Object.entries(OPTIONS)) {
    const value = query.get(name);
    if (value !== null)
      words.push(`--${option} ${quote(value)}`);
  }
  for (const [name, option] of Object.entries(LISTS)) {
    const values = [...(name === 'token' && token ? [token] : []), ...query.getAll(name)];
    if (values.length > 0)
      words.push(`--${option} ${quote(values.join(','))}`);
  }
  return words.join(' ');
}
