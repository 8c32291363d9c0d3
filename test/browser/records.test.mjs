// A token's page, a route's page, and single requests on them.
import assert from 'node:assert/strict';
import { check } from './lib/suite.mjs';
import { api, call, control, eventually, site } from './lib/site.mjs';

const STILL = { 'tollgate.refresh': '0' };
const WEEK = 'range=7d&zone=UTC';
const [BUSY, BUSY_ID] = Object.entries(site.shown)[0];
const TOKEN = `/token-usage/${BUSY_ID}`;
const ROUTE = '/route-usage?path=%2Fapi%2Fopenai';

const region = (view, name) => view.page.getByRole('region', { name, exact: true }).first();
const card = (view, name) => region(view, name).locator('.card-value').innerText();
const number = (text) => Number(text.replaceAll(',', ''));
const rows = (view) => view.page.getByRole('table', { name: 'Requests' }).locator('tbody tr');
const paths = (view) => view.countedCalls().map((c) => c.split('?')[0]).sort();
const asked = (view, path) => new URLSearchParams(view.apiCalls().findLast((c) => c.split('?')[0] === path).split('?')[1]);

async function openPage(open, path, more = {}) {
  const view = await open(path, { as: 'admin', ...more, storage: { ...STILL, ...more.storage } });
  await view.settle();
  return view;
}

// A call through the gateway, when its row is stored; its record's id.
async function callId(path, more) {
  const marker = `test-${Math.random().toString(36).slice(2)}`;
  await call('caller', path, { ...more, headers: { 'User-Agent': marker } });
  return eventually(async () => (await control('sql', {
    statement: 'SELECT request_id FROM token_usage_logs WHERE user_agent = %s', values: [marker],
  }))[0]?.request_id, 'the call is stored');
}

// --- a token ---

check('a token: facts, cards, charts, routes and requests, by two questions', async ({ open }) => {
  const view = await openPage(open, `${TOKEN}?${WEEK}`);
  assert.deepEqual(paths(view), ['/api/usage/logs', `/api/usage/token/${BUSY_ID}`]);
  const of = await api('admin', 'GET', view.countedCalls().find((c) => c.includes('/token/')));
  await view.page.getByRole('heading', { name: BUSY, level: 1 }).waitFor();
  await region(view, 'About this token').getByText(`${of.token.key_start}…`).waitFor();
  assert.equal(number(await card(view, 'Errors')), of.errors);
  for (const name of ['Calls and response time', 'Routes that it calls', 'Share of routes', 'Errors by whose they are', 'Status classes', 'Requests'])
    await region(view, name).waitFor();
  assert.ok(await rows(view).count() > 10);
  assert.equal(await view.page.getByRole('columnheader', { name: 'Token', exact: true }).count(), 0);
  await view.axe();
  await region(view, 'Routes that it calls').getByRole('link').first().click();
  await view.page.waitForURL(/\/route-usage\?path=.*range=7d/);
});

check('what may be done with a token is offered to who may', async ({ open }) => {
  const { id } = site.tokens.caller;
  const manager = await openPage(open, `/token-usage/${id}`, { as: 'manager' });
  await manager.page.getByRole('button', { name: /caller/ }).first().waitFor();
  const viewer = await openPage(open, `/token-usage/${id}`, { as: 'viewer' });
  await viewer.page.getByRole('heading', { name: 'caller', level: 1 }).waitFor();
  assert.equal(await viewer.page.locator('.page-head-acts button').count(), 0);
  await viewer.axe();
});

check('a token that is not there, or not for its reader', async ({ open }) => {
  const none = await open('/token-usage/99999999', { as: 'admin', expect: ['/api/usage/'] });
  await none.page.getByText('There is no such token, or it is not for you').waitFor();
  await none.axe();
  const other = await open(TOKEN, { as: 'other', expect: ['/api/usage/'] });
  await other.page.getByText('There is no such token, or it is not for you').waitFor();
  const wrong = await open('/token-usage/x', { as: 'admin' });
  await wrong.page.getByRole('heading', { name: 'There is no such page' }).waitFor();
});

check('an id below the list of tokens leads to that token, and Back past it', async ({ open }) => {
  const view = await open('/dashboard', { as: 'admin' });
  await view.goto(`/tokens/${BUSY_ID}?${WEEK}`);
  await view.page.waitForURL((url) => url.pathname === TOKEN && url.search === `?${WEEK}`);
  await view.page.getByRole('heading', { name: BUSY, level: 1 }).waitFor();
  await view.page.goBack();
  await view.page.waitForURL(/\/dashboard$/);
});

check('single days add up to their range, in zones with half hours and over a change of clocks', async ({ open }) => {
  const { id } = site.tokens['orders only'];
  await control('sql', { statement: `SELECT count(usage_ensure_partition(d::date))::int AS n
    FROM generate_series('2026-10-30'::date, '2026-11-04'::date, '1 day') d` });
  await control('sql', { statement: `INSERT INTO token_usage_logs (token_hash, token_id, route_path, used_at, response_status, response_time_ms,
    request_method, outcome) SELECT t.token_hash, t.id, '/api/orders', at, 200, 12, 'GET', 'complete' FROM tokens t,
    generate_series('2026-10-30 00:07'::timestamp, '2026-11-04 00:00', '30 minutes') at WHERE t.id = %s RETURNING id`, values: [id] });
  for (const [zone, hours] of [['America/New_York', 73], ['Asia/Kolkata', 72]]) {
    const calls = async (from, to) => {
      const view = await openPage(open, `/token-usage/${id}?from=${from}&to=${to}&zone=${encodeURIComponent(zone)}`);
      const shown = number(await card(view, 'Calls'));
      if (from === '2026-11-01' && hours === 73)
        await view.page.getByText(/has 25 hours/).first().waitFor();
      const found = await rows(view).count();
      assert.equal(Math.min(shown, 50), found, `${zone} ${from}`);
      await view.page.close();
      return shown;
    };
    await eventually(async () => (await api('admin', 'GET', `/api/usage/token/${id}?from=2026-10-31&to=2026-11-03&zone=${encodeURIComponent(zone)}`)).waiting === 0,
      'all is counted');
    const whole = await calls('2026-10-31', '2026-11-03');
    assert.equal(whole, hours * 2);
    const days = [];
    for (const [from, to] of [['2026-10-31', '2026-11-01'], ['2026-11-01', '2026-11-02'], ['2026-11-02', '2026-11-03']])
      days.push(await calls(from, to));
    assert.deepEqual(days, [48, hours === 73 ? 50 : 48, 48]);
  }
});

// --- a route ---

check('a route: facts of the configuration, times, tokens and requests, by two questions', async ({ open }) => {
  const view = await openPage(open, `${ROUTE}&${WEEK}`);
  assert.deepEqual(paths(view), ['/api/usage/logs', '/api/usage/route']);
  const of = await api('admin', 'GET', view.countedCalls().find((c) => c.includes('/route?')));
  await region(view, 'About this route').getByText(of.configuration.upstreams[0]).waitFor();
  await region(view, 'About this route').getByText('0.004').waitFor();
  assert.equal(number(await card(view, 'Errors')), of.errors);
  for (const name of ['Calls and response time', 'Response time by percentile', 'Tokens that call it', 'Share of tokens', 'Requests'])
    await region(view, name).waitFor();
  await view.page.getByText(/Half of the calls took at most/).waitFor({ state: 'attached' });
  await view.axe();
  await region(view, 'Tokens that call it').getByRole('link').first().click();
  await view.page.waitForURL(/\/token-usage\/\d+\?range=7d/);
});

check('a route that is configured no longer, and one that never was', async ({ open }) => {
  await control('sql', { statement: `INSERT INTO token_usage_logs (token_hash, token_id, route_path, used_at, response_status)
    SELECT token_hash, id, '/api/former', now() AT TIME ZONE 'UTC' - interval '1 hour', 200 FROM tokens WHERE id = %s RETURNING id`,
  values: [site.tokens.caller.id] });
  await eventually(async () => (await api('admin', 'GET', '/api/usage/stats?route=/api/former')).total_calls === 1, 'it is counted');
  const former = await openPage(open, '/route-usage?path=%2Fapi%2Fformer');
  await former.page.getByText('No longer configured').waitFor();
  assert.equal(await card(former, 'Calls'), '1');
  await former.axe();
  for (const path of ['/route-usage?path=%2Fapi%2Fnever', '/route-usage']) {
    const never = await open(path, { as: 'admin', expect: ['/api/usage/'] });
    await never.page.getByText('There is no such route').waitFor();
  }
});

// --- single requests ---

check('a click on a value filters; pills and Esc take it away; Back undoes', async ({ open }) => {
  const view = await openPage(open, `${TOKEN}?${WEEK}`);
  await rows(view).getByRole('link', { name: 'POST' }).first().click();
  await view.page.waitForURL(/method=POST/);
  await view.settle();
  assert.equal(asked(view, '/api/usage/logs').get('method'), 'POST');
  assert.equal(await rows(view).getByRole('link', { name: 'GET', exact: true }).count(), 0);
  await view.page.getByRole('button', { name: 'Take away Method: POST' }).waitFor();
  await view.page.goBack();
  await view.page.waitForURL((url) => !url.searchParams.has('method'));
  await view.page.goForward();
  await view.page.waitForURL(/method=POST/);
  await view.page.keyboard.press('Escape');
  await view.page.waitForURL((url) => !url.searchParams.has('method') && url.searchParams.get('range') === '7d');
});

check('filters by form: what cannot be is named, the rest is in the address', async ({ open }) => {
  const view = await openPage(open, `${ROUTE}&${WEEK}`);
  await view.page.getByRole('button', { name: 'Filter', exact: true }).click();
  await view.page.getByLabel('Status', { exact: true }).fill('9');
  await view.page.getByText('That cannot be').waitFor();
  await view.axe();
  assert.ok(await view.page.getByRole('button', { name: 'Filter', exact: true }).last().isDisabled());
  await view.page.getByLabel('Status', { exact: true }).fill('');
  await view.page.getByLabel('Class', { exact: true }).selectOption('5xx');
  await view.page.getByLabel('At least ms').fill('1');
  await view.page.getByRole('button', { name: 'Filter', exact: true }).last().click();
  await view.page.waitForURL(/class=5xx&min_ms=1/);
  await view.settle();
  const query = asked(view, '/api/usage/logs');
  assert.deepEqual([query.get('class'), query.get('min_ms'), query.getAll('route')], ['5xx', '1', ['/api/openai']]);
});

check('further pages stand still while the clock goes on', async ({ open }) => {
  const view = await openPage(open, `${TOKEN}?range=9d&zone=UTC`, { storage: { 'tollgate.refresh': '5' } });
  assert.equal(await rows(view).count(), 50);
  await view.page.getByRole('button', { name: 'Show more' }).click();
  await eventually(async () => await rows(view).count() === 100, 'there are two pages');
  await view.page.getByText('100 requests, as of').waitFor();
  const first = await rows(view).first().innerText();
  const whole = () => view.apiCalls().filter((c) => c.startsWith('/api/usage/token/')).length;
  const logs = () => view.apiCalls().filter((c) => c.startsWith('/api/usage/logs')).length;
  const [wholeBefore, logsBefore] = [whole(), logs()];
  await eventually(() => whole() > wholeBefore, 'the clock goes on');
  await view.settle();
  assert.deepEqual([await rows(view).count(), await rows(view).first().innerText(), logs()], [100, first, logsBefore]);
  await view.page.getByRole('button', { name: 'Show the latest' }).click();
  await eventually(async () => await rows(view).count() === 50, 'the first page is back');
});

check('all of the filtered requests are a file', async ({ open }) => {
  const view = await openPage(open, `${TOKEN}?${WEEK}&class=2xx`);
  await view.page.getByRole('button', { name: 'More about Requests' }).click();
  const [download] = await Promise.all([view.page.waitForEvent('download'), view.page.getByRole('button', { name: 'Download as CSV' }).click()]);
  assert.match(download.url(), /\/api\/usage\/logs\?.*class=2xx.*format=csv/);
});

check('a record: how it ended, where its time went, ids to copy; Back closes it', async ({ open }) => {
  const id = await callId('/api/orders/1?status=503&ms=30', { method: 'POST' });
  const view = await openPage(open, `/token-usage/${site.tokens.caller.id}?call=${id}`);
  const dialog = view.page.getByRole('dialog', { name: 'Request' });
  const record = await api('admin', 'GET', `/api/usage/logs/${id}`);
  await dialog.getByText(record.explanation.text).first().waitFor();
  await dialog.getByText('The upstream\'s', { exact: true }).waitFor();
  await dialog.getByRole('img', { name: /^The time: Gateway .* Upstream .* Slow client/ }).waitFor();
  await dialog.getByText(`tollgate explain ${id}`).waitFor();
  await view.axe();
  await view.page.keyboard.press('Escape');
  await view.page.waitForURL((url) => !url.searchParams.has('call'));
  await view.page.goBack();
  await dialog.waitFor();
});

check('a refused call’s record has its code and what to do', async ({ open }) => {
  const marker = `refused-${Date.now()}`;
  await call('orders only', '/api/openai/x', { headers: { 'User-Agent': marker } });
  const id = await eventually(async () => (await control('sql', { statement: 'SELECT request_id FROM token_usage_logs WHERE user_agent = %s',
    values: [marker] }))[0]?.request_id, 'the call is stored');
  const view = await openPage(open, `${ROUTE}&call=${id}`);
  const dialog = view.page.getByRole('dialog', { name: 'Request' });
  await dialog.getByText('scope_missing', { exact: true }).waitFor();
  await dialog.getByText('What to do').waitFor();
});

check('a record that there is none of, and what is no id', async ({ open }) => {
  const none = await open(`${TOKEN}?call=019a9b3c-7f12-7c55-9d0e-3a7be1c2f605`, { as: 'admin', storage: STILL, expect: ['/api/usage/logs/'] });
  await none.page.getByText('There is no record with this id').waitFor();
  await none.axe();
  const wrong = await openPage(open, `${TOKEN}?call=x`);
  await wrong.page.getByText('This is not the id of a request').waitFor();
});

check('requests that fail say so beside what is there', async ({ open }) => {
  const view = await open(TOKEN, { as: 'admin', storage: STILL, before: (v) => v.refuse('/api/usage/logs', { status: 500, code: 'internal_error' }) });
  await view.page.getByText('Requests could not be loaded: The manager failed.').waitFor();
  await region(view, 'Calls').waitFor();
});
