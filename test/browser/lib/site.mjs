// What test/integration/tg/site.py has started: addresses, people and their keys, ids.
import assert from 'node:assert/strict';

// {url, gateway, people: {admin: {id, key}, ...}, teams: {one: ID, ...}, tokens: {caller: {id, key}, ...},
//  routes: [path], shown: {name of a token that has calls: ID}, issuer, empty: {url, gateway, key}, first: likewise, control}
export const site = JSON.parse(process.env.TOLLGATE_TEST_SITE ?? '{}');

// What no API does: control('sql', {statement, values}), 'sql_empty', 'cli' {arguments: [...], empty},
// 'database' {away: true}.
export async function control(what, more = {}) {
  const answer = await fetch(site.control, { method: 'POST', body: JSON.stringify({ do: what, ...more }) });
  const told = await answer.json();
  assert.equal(answer.status, 200, `${what}: ${JSON.stringify(told)}`);
  return told;
}

// A call through the gateway: call('caller', '/api/orders/7?status=503&ms=20'); its status.
// token: a name of site.tokens, or a key.
export async function call(token, path, { method = 'GET', gateway = site.gateway, ...more } = {}) {
  const key = site.tokens[token]?.key ?? token;
  const answer = await fetch(gateway + path, { method, ...more, headers: { 'X-API-Key': key, ...more.headers } });
  await answer.arrayBuffer();
  return answer.status;
}

// The manager's answer to somebody: api('admin', 'GET', '/api/tokens'); its JSON. person: a name, or a key.
export async function api(person, method, path, body, base = site.url) {
  const answer = await fetch(base + path, {
    method,
    headers: { Authorization: `Bearer ${keyOf(person)}`, ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

export function keyOf(person) {
  return site.people[person]?.key ?? person;
}

// A session of somebody, as the cookie of a browser that signs in by key.
export async function sessionCookie(person, base = site.url) {
  const answer = await fetch(base + '/api/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Origin: base },
    body: JSON.stringify({ key: keyOf(person) }),
  });
  assert.ok(answer.ok, `signing in as ${person}: ${answer.status} ${await answer.clone().text()}`);
  const [name, value] = answer.headers.get('set-cookie').split(';')[0].split('=');
  return { name, value, url: base, httpOnly: true, sameSite: 'Lax' };
}

// Calls check() until it returns something truthy, and returns that.
export async function eventually(check, what, patienceMs = 15_000) {
  const until = performance.now() + patienceMs;
  for (;;) {
    const result = await check();
    if (result)
      return result;
    if (performance.now() > until)
      assert.fail(`never happened: ${what} (last: ${JSON.stringify(result)})`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
