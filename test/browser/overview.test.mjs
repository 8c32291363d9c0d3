// The overview; and what goes wrong, or is not there, on it and on the pages of a token and a route.
import assert from 'node:assert/strict';
import { check } from './lib/suite.mjs';
import { api, call, eventually, site } from './lib/site.mjs';

const STILL = { 'tollgate.refresh': '0' };
const WEEK = 'range=7d&zone=UTC';
const BUSY_ID = Object.values(site.shown)[0];
const TOKEN = `/token-usage/${BUSY_ID}`;
const ROUTE = '/route-usage?path=%2Fapi%2Fopenai';

const region = (view, name) => view.page.getByRole('region', { name, exact: true }).first();
const card = (view, name) => region(view, name).locator('.card-value').innerText();
const number = (text) => Number(text.replaceAll(',', ''));
const paths = (view) => view.countedCalls().map((c) => c.split('?')[0]).sort();
const asked = (view, path) => new URLSearchParams(view.apiCalls().findLast((c) => c.split('?')[0] === path).split('?')[1]);

async function openPage(open, path, more = {}) {
  const view = await open(path, { as: 'admin', ...more, storage: { ...STILL, ...more.storage } });
  await view.settle();
  return view;
}

// --- the overview ---

check('the overview: cards, the first three, cost; without a chart', async ({ open }) => {
  const view = await openPage(open, `/dashboard?${WEEK}`);
  assert.deepEqual(paths(view), ['/api/usage/cost', '/api/usage/stats']);
  const [stats, cost] = await Promise.all(['stats', 'cost'].map((q) => api('admin', 'GET', view.countedCalls().find((c) => c.includes(`/${q}?`)))));
  assert.equal(number(await card(view, 'Errors')), stats.errors);
  assert.equal(number(await card(view, 'Cost so far')), Math.round(cost.cost * 1e4) / 1e4);
  for (const name of ['Top 3 tokens', 'Top 3 routes'])
    assert.equal(await view.page.getByRole('table', { name }).locator('tbody tr').count(), 3);
  assert.equal(view.sent.filter((r) => /Chart-/.test(r.url)).length, 0);
  await view.page.getByRole('table', { name: 'Top 3 tokens' }).getByRole('link').first().click();
  await view.page.waitForURL(/\/token-usage\/\d+\?range=7d/);
});

check('a token as a filter has its name by two questions at most', async ({ open }) => {
  const [name, id] = Object.entries(site.shown)[0];
  for (const path of [`/dashboard?${WEEK}&token=${id}`, `${ROUTE}&${WEEK}&token=${id}`]) {
    const view = await openPage(open, path);
    await view.page.getByText(`Token: ${name}`).waitFor();
    assert.ok(view.countedCalls().length <= 2, view.countedCalls().join(' '));
  }
  // One without calls: no more of them.
  for (const path of [`/dashboard?from=2026-01-01&to=2026-01-02&zone=UTC&token=${id}`, `${ROUTE}&from=2026-01-01&to=2026-01-02&zone=UTC&token=${id}`]) {
    const view = await openPage(open, path);
    await view.page.getByText(path.startsWith('/dashboard') ? `Token: ${name}` : `Token: ${id}`).waitFor();
    assert.ok(view.countedCalls().length <= 2, view.countedCalls().join(' '));
  }
});

check('first steps tick themselves off', async ({ open }) => {
  const { key, url: base, gateway } = site.first;
  const view = await open('/dashboard', { as: key, base, storage: { 'tollgate.refresh': '5' } });
  const steps = region(view, 'First steps');
  await steps.getByText('tollgate token create --name first').waitFor();
  assert.deepEqual(paths(view), ['/api/tokens', '/api/usage/stats']);
  assert.equal(await steps.getByRole('img', { name: 'Still to do' }).count(), 3);
  await view.axe();
  const token = await api(key, 'POST', '/api/tokens', { name: 'first', scopes: ['*'] }, base);
  await eventually(async () => await steps.getByRole('img', { name: 'Done' }).count() >= 1, 'the token is ticked off');
  await eventually(async () => await call(token.key, '/api/orders/1', { gateway }) === 200, 'the gateway knows the token');
  await steps.getByText('All of them are done.').waitFor({ timeout: 20_000 });
  await steps.getByRole('button', { name: 'Hide these steps' }).click();
  await steps.waitFor({ state: 'detached' });
  await view.page.reload();
  await view.settle();
  assert.equal(await view.page.getByText('First steps').count(), 0);
});

check('a viewer has the overview, without first steps', async ({ open }) => {
  const view = await openPage(open, '/dashboard', { as: 'viewer' });
  await region(view, 'Calls').waitFor();
  assert.ok(view.countedCalls().length <= 2, view.countedCalls().join(' '));
  await view.axe();
});

// --- what goes wrong, and what there is none of ---

for (const [path, api_, what] of [['/dashboard', '/api/usage/stats', 'Overview'], [TOKEN, `/api/usage/token/${BUSY_ID}`, 'Token'],
  [ROUTE, '/api/usage/route', 'Route']]) {
  check(`${what}: a failure says what failed, and another try mends it`, async ({ open }) => {
    const view = await open(path, { as: 'admin', storage: STILL, before: (v) => v.refuse(api_, { retryAfter: 0 }) });
    await view.page.getByText(`${what} could not be loaded: The database does not answer.`).waitFor();
    await view.page.getByText('Request 019a9b3c-7f12-7c55-9d0e-3a7be1c2f605').waitFor();
    await view.axe();
    await view.mend();
    await view.page.getByRole('button', { name: 'Try again' }).click();
    await region(view, 'Calls').waitFor();
  });

  check(`${what}: while it loads there is a place of its size`, async ({ open }) => {
    let release;
    const view = await open(path, { as: 'admin', storage: STILL, before: async (v) => { release = await v.hold(api_); } });
    await view.page.getByText(`Loading: ${what}`).waitFor({ state: 'attached' });
    await view.axe();
    release();
    await region(view, 'Calls').waitFor();
  });

  check(`${what}: nothing in this range, nothing for these filters`, async ({ open }) => {
    const join = path.includes('?') ? '&' : '?';
    const range = await openPage(open, `${path}${join}from=2026-01-01&to=2026-01-02&zone=UTC`);
    await range.page.getByText('No calls in this range').waitFor();
    await range.axe();
    await range.page.getByRole('link', { name: 'Show that time' }).click();
    await eventually(async () => number(await card(range, 'Calls')) > 0, 'there are calls');
    const filters = await openPage(open, `${path}${join}range=7d&zone=UTC&${path === ROUTE ? `team=${site.teams.two}` : 'route=%2Fnowhere'}`);
    await filters.page.getByText('No calls that fit these filters').waitFor();
    await filters.page.getByRole('link', { name: 'Clear the filters' }).first().click();
    await filters.page.waitForURL((url) => !url.searchParams.has('team') && !url.searchParams.has('route'));
  });

  check(`${what}: arrows move the range; who is not signed in is asked to`, async ({ open }) => {
    const view = await openPage(open, `${path}${path.includes('?') ? '&' : '?'}range=yesterday&zone=UTC`);
    const before = asked(view, api_);
    await view.page.getByRole('heading', { level: 1 }).click();
    await view.page.keyboard.press('ArrowLeft');
    await view.page.waitForURL(/from=/);
    await view.settle();
    assert.equal(asked(view, api_).get('to'), before.get('from'));
    const nobody = await open(path, { expect: ['/api/'] });
    await nobody.page.getByLabel('Personal key').waitFor();
  });

  for (const more of [{ language: 'zh-TW', theme: 'dark' }, { viewport: 'phone' }, { viewport: 'phone', language: 'zh-TW', theme: 'dark' }])
    check(`${what} fits and is accessible: ${JSON.stringify(more)}`, async ({ open }) => {
      const view = await openPage(open, path, more);
      await view.assertFits();
      await view.axe();
    });
}
