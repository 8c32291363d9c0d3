// /usage-analytics, and what all pages of usage have in common: range, filters, refreshing, search.
import assert from 'node:assert/strict';
import { check } from './lib/suite.mjs';
import { api, control, eventually, sessionCookie, site } from './lib/site.mjs';

const STATS = '/api/usage/stats';
const HOUR_MS = 3_600_000;
const value = (view, card) => view.page.getByRole('region', { name: card, exact: true }).locator('.card-value').innerText();
const asked = (view) => new URLSearchParams(view.apiCalls().findLast((c) => c.startsWith(STATS)).split('?')[1]);

async function openUsage(open, more = {}, query = '?range=7d&zone=UTC') {
  const view = await open(`/usage-analytics${query}`, { as: 'admin', storage: { 'tollgate.refresh': '0' }, ...more });
  await view.settle();
  return view;
}

check('all of a page by one question: cards, charts, rankings', async ({ open }) => {
  const view = await openUsage(open);
  assert.deepEqual(view.countedCalls().map((c) => c.split('?')[0]), [STATS]);
  const stats = await api('admin', 'GET', view.countedCalls()[0]);
  assert.equal(await value(view, 'Errors'), new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(stats.errors));
  for (const name of ['Calls and response time', 'Top tokens', 'Top routes', 'Share of routes', 'Status classes', 'Errors by whose they are',
    'Slowest routes', 'Slowest calls'])
    await view.page.getByRole('region', { name, exact: true }).first().waitFor();
  assert.equal(await view.page.locator('.recharts-surface').count(), 4);
  const first = stats.top_routes[0].route;
  await view.page.getByRole('region', { name: 'Top routes' }).first().getByRole('link', { name: first }).click();
  await view.page.waitForURL(/\/route-usage\?path=.*range=7d/);
});

check('the ring’s parts are the whole', async ({ open }) => {
  const view = await openUsage(open);
  const rows = await view.page.locator('.share-table tbody tr').allInnerTexts();
  const shares = rows.map((row) => Number(/([\d.]+)%\s*$/.exec(row)[1]));
  assert.ok(rows.length <= 9);
  assert.ok(Math.abs(shares.reduce((a, b) => a + b) - 100) < 1, shares.join());
});

check('each chart has its table, from the same numbers', async ({ open }) => {
  const view = await openUsage(open, {}, '?range=yesterday&zone=UTC');
  const stats = await api('admin', 'GET', view.countedCalls()[0]);
  for (const name of ['Calls and response time', 'Status classes', 'Errors by whose they are', 'Share of routes'])
    await view.page.getByRole('region', { name, exact: true }).first().getByRole('button', { name: 'Show as table' }).click();
  assert.equal(await view.page.locator('.recharts-surface').count(), 0);
  const cells = await view.page.getByRole('table', { name: 'Calls and response time' }).locator('tbody tr td:nth-child(2)').allInnerTexts();
  assert.equal(cells.map((c) => Number(c.replaceAll(',', ''))).reduce((a, b) => a + b), stats.total_calls);
  await view.axe();
});

check('a range is in the address, and Back undoes it', async ({ open }) => {
  const view = await openUsage(open, { zone: 'Asia/Taipei' }, '');
  assert.equal(asked(view).get('zone'), 'Asia/Taipei');
  await view.page.getByRole('button', { name: /^Range: Last 24 h/ }).click();
  await view.page.getByRole('button', { name: 'Last 7 days' }).click();
  await view.page.waitForURL(/range=7d&zone=Asia%2FTaipei/);
  await view.settle();
  const { from, to } = Object.fromEntries(asked(view));
  assert.equal(Date.parse(to) - Date.parse(from), 7 * 86_400_000);
  await view.page.goBack();
  await view.page.waitForURL((url) => url.search === '');
  await view.page.getByRole('button', { name: /^Range: Last 24 h/ }).waitFor();
});

check('arrows move the range, never ahead of now', async ({ open }) => {
  const view = await openUsage(open, {}, '?range=yesterday&zone=UTC');
  const before = asked(view);
  await view.page.keyboard.press('ArrowLeft');
  await view.page.waitForURL(/from=/);
  await eventually(() => asked(view).get('to') === before.get('from'), 'the day before is asked for');
  await view.page.keyboard.press('ArrowRight');
  await view.page.waitForURL((url) => url.searchParams.get('from') === before.get('from'));
});

check('one’s own range is refused where it ends before it begins', async ({ open }) => {
  const view = await openUsage(open);
  await view.page.getByRole('button', { name: /^Range:/ }).click();
  await view.page.getByLabel('From').fill('2026-11-20T00:00');
  await view.page.getByLabel('To', { exact: true }).fill('2026-11-19T00:00');
  await view.page.getByText('An end behind its start').waitFor();
  assert.ok(await view.page.getByRole('button', { name: 'Apply' }).isDisabled());
  await view.page.getByLabel('To', { exact: true }).fill('2026-11-21T00:00');
  await view.page.getByLabel('Time zone').selectOption('America/New_York');
  await view.page.getByRole('button', { name: 'Apply' }).click();
  await view.page.waitForURL(/from=2026-11-20T00%3A00&to=2026-11-21T00%3A00&zone=America%2FNew_York/);
});

check('a wrong address is named and does not break the page', async ({ open }) => {
  const view = await openUsage(open, {}, '?range=9y&zone=Mars&token=x&compare=week_before');
  await view.page.getByText('which means nothing here').waitFor();
  assert.equal(asked(view).get('compare'), 'week_before');
});

check('filters show as pills and go by Esc', async ({ open }) => {
  const [name, id] = Object.entries(site.shown)[0];
  const view = await openUsage(open, {}, `?range=7d&zone=UTC&token=${id}&route=%2Fapi%2Forders`);
  await view.page.getByText(`Token: ${name}`).waitFor();
  assert.deepEqual([asked(view).getAll('token'), asked(view).getAll('route')], [[String(id)], ['/api/orders']]);
  await view.page.getByRole('button', { name: 'Take away Route: /api/orders' }).click();
  await view.page.waitForURL((url) => !url.searchParams.has('route') && url.searchParams.has('token'));
  await view.page.keyboard.press('Escape');
  await view.page.waitForURL((url) => !url.searchParams.has('token') && url.searchParams.get('range') === '7d');
});

check('dragging over a chart zooms, a double click goes back', async ({ open }) => {
  const view = await openUsage(open);
  const box = await view.page.locator('.recharts-wrapper').first().boundingBox();
  const y = box.y + box.height / 2;
  await view.page.mouse.move(box.x + box.width * 0.4, y);
  await view.page.mouse.down();
  await view.page.mouse.move(box.x + box.width * 0.5, y, { steps: 4 });
  await view.page.mouse.move(box.x + box.width * 0.6, y, { steps: 4 });
  await view.page.mouse.up();
  await view.page.waitForURL(/from=.*&to=/);
  await view.settle();
  // The pointer comes from far away: neither press is a drag from there.
  await view.page.locator('.recharts-wrapper').first().dblclick({ position: { x: 200, y: 100 } });
  await view.page.waitForURL((url) => url.searchParams.get('range') === '7d');
  for (const x of [300, 900, 400]) {
    await view.page.mouse.click(box.x + x, y);
    await view.settle();
  }
  assert.equal(new URL(view.page.url()).searchParams.get('range'), '7d');
});

check('a failure names what failed, and another try mends it', async ({ open }) => {
  const view = await open('/usage-analytics', { as: 'admin', before: (v) => v.refuse(STATS, { retryAfter: 0 }) });
  const alert = view.page.getByRole('alert');
  await alert.getByText('Usage analytics could not be loaded: The database does not answer.').waitFor();
  await view.page.getByText('Request 019a9b3c-7f12-7c55-9d0e-3a7be1c2f605').waitFor();
  await view.axe();
  await view.mend();
  await view.page.getByRole('button', { name: 'Try again' }).click();
  await view.page.getByRole('region', { name: 'Calls', exact: true }).waitFor();
});

check('old data stay while new ones load, and while they fail', async ({ open }) => {
  const view = await openUsage(open);
  const calls = await value(view, 'Calls');
  const release = await view.hold(STATS);
  await view.page.getByRole('button', { name: 'Refresh now' }).click();
  assert.equal(await value(view, 'Calls'), calls);
  release();
  await view.settle();
  await view.mend();
  await view.refuse(STATS, { status: 500, code: 'internal_error' });
  await view.page.getByRole('button', { name: 'Refresh now' }).click();
  const failed = view.page.getByText(/Usage analytics could not be loaded: The manager failed\. Shown: /);
  await failed.waitFor();
  assert.equal(await value(view, 'Calls'), calls);
});

check('what the reader has opened stays open while it fails, and when that is mended', async ({ open }) => {
  const view = await openUsage(open);
  const layout = view.page.getByRole('combobox', { name: 'Calls and response time' });
  await layout.selectOption({ label: 'Panels' });
  await layout.evaluate((e) => { e.dataset.same = 'yes'; });
  const stays = async (failed) => {
    await view.page.getByText(/Usage analytics could not be loaded/).waitFor({ state: failed ? 'visible' : 'detached' });
    assert.deepEqual(await layout.evaluate((e) => [e.dataset.same, e.selectedOptions[0].label]), ['yes', 'Panels']);
  };
  await view.refuse(STATS, { status: 500, code: 'internal_error' });
  await view.page.getByRole('button', { name: 'Refresh now' }).click();
  await stays(true);
  await view.mend();
  await view.page.getByRole('button', { name: 'Refresh now' }).click();
  await stays(false);
});

check('numbers of another question are marked while one loads, and are not shown where it fails', async ({ open }) => {
  const view = await openUsage(open, {}, '?range=7d&zone=UTC&route=%2Fapi%2Fopenai');
  const release = await view.hold(STATS);
  await view.page.keyboard.press('Escape');
  await view.page.getByText('Refreshing', { exact: true }).waitFor();
  release();
  await view.page.getByText('Refreshing', { exact: true }).waitFor({ state: 'detached' });
  await view.mend();
  await view.refuse(STATS, { status: 500, code: 'internal_error' });
  await view.page.keyboard.press('ArrowLeft');
  await view.page.getByText('Usage analytics could not be loaded: The manager failed.', { exact: true }).waitFor();
  assert.equal(await view.page.getByRole('region', { name: 'Calls', exact: true }).count(), 0);
  await view.mend();
  await view.page.getByRole('button', { name: 'Try again' }).click();
  await view.page.getByRole('region', { name: 'Calls', exact: true }).waitFor();
});

check('while it loads there is a place of its size', async ({ open }) => {
  let release;
  const view = await open('/usage-analytics', { as: 'admin', before: async (v) => { release = await v.hold(STATS); } });
  await view.page.getByRole('status').getByText('Loading: Usage analytics').waitFor({ state: 'attached' });
  await view.axe();
  release();
  await view.page.getByRole('region', { name: 'Calls', exact: true }).waitFor();
});

check('nothing ever, nothing in this range, nothing for these filters', async ({ open }) => {
  const ever = await open('/usage-analytics', { as: site.empty.key, base: site.empty.url });
  await ever.page.getByText('No calls yet').waitFor();
  await ever.page.getByRole('link', { name: 'Tokens' }).last().waitFor();
  await ever.axe();
  const range = await openUsage(open, {}, '?from=2026-01-01&to=2026-01-02&zone=UTC');
  await range.page.getByText('No calls in this range').waitFor();
  await range.page.getByRole('link', { name: 'Show that time' }).click();
  await range.page.waitForFunction(() => document.querySelectorAll('.recharts-surface').length > 0);
  const filters = await openUsage(open, {}, '?range=7d&zone=UTC&route=%2Fnowhere');
  await filters.page.getByText('No calls that fit these filters').waitFor();
  await filters.page.getByRole('link', { name: 'Clear the filters' }).click();
  await filters.page.waitForURL((url) => !url.searchParams.has('route'));
});

check('it refreshes by the clock, and not while nobody looks', async ({ open }) => {
  const view = await openUsage(open, { storage: { 'tollgate.refresh': '5' } }, '');
  const count = () => view.apiCalls().filter((c) => c.startsWith(STATS)).length;
  const before = count();
  await eventually(() => count() > before, 'it is asked again');
  await view.page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await view.settle();
  const hidden = count();
  await view.page.waitForTimeout(6000);
  assert.equal(count(), hidden);
});

check('an answer slower than the period is shown in the end', async ({ open }) => {
  let under = 0, most = 0;
  const view = await open('/usage-analytics?range=24h&zone=UTC', { as: 'admin', storage: { 'tollgate.refresh': '5' }, before: (v) =>
    v.rule((url) => url.pathname === STATS, async (route) => {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setTimeout(resolve, 6500));
      under--;
      await route.continue().catch(() => {}); // the test is over
    }) });
  await view.page.getByRole('region', { name: 'Calls', exact: true }).waitFor({ timeout: 15_000 });
  await eventually(() => view.countedCalls().length === 2, 'then it is asked again');
  assert.equal(most, 1, 'one question waits for the other');
});

// The page's own clock; the manager's is the real one.
async function openTwoHoursAgo(open, path) {
  const view = await open(path, { as: 'admin', storage: { 'tollgate.refresh': '0' },
    before: (v) => v.page.clock.install({ time: Date.now() - 2 * HOUR_MS }) });
  await view.settle();
  return view;
}

check('another page, and another range, ask up to now, however long the former one stood', async ({ open }) => {
  const view = await openTwoHoursAgo(open, '/usage-analytics');
  const hoursAgo = () => Math.round((Date.now() - Date.parse(asked(view).get('to'))) / HOUR_MS);
  assert.equal(hoursAgo(), 2);
  await view.page.clock.fastForward(HOUR_MS);
  await view.page.getByRole('link', { name: 'Overview', exact: true }).click();
  await view.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await view.settle();
  const stats = view.apiCalls().filter((c) => c.startsWith(STATS));
  assert.equal(stats.length, 2, stats.join(' '));
  assert.equal(hoursAgo(), 1);
  await view.page.clock.fastForward(HOUR_MS);
  await view.page.getByRole('button', { name: /^Range: / }).click();
  await view.page.getByRole('button', { name: 'Last 7 days' }).click();
  await eventually(() => hoursAgo() === 0, 'the range goes up to now');
});

check('while refreshing is off what is shown gets old, and says so', async ({ open }) => {
  const view = await openTwoHoursAgo(open, '/usage-analytics?range=7d&zone=UTC');
  await view.page.clock.fastForward(2 * HOUR_MS + 600_000);
  await view.page.locator('.trust', { hasText: /Data as of\s*10 min ago/ }).waitFor();
  assert.equal(view.countedCalls().length, 1);
});

check('the panels’ menus: curl, tollgate usage ask, CSV', async ({ open }) => {
  const view = await openUsage(open);
  await view.page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: site.url });
  const more = (item) => async () => {
    await view.page.getByRole('button', { name: 'More about Top routes' }).click();
    await view.page.getByRole('button', { name: item }).click();
  };
  const copied = () => view.page.evaluate(() => navigator.clipboard.readText());
  await more('Copy as curl')();
  await eventually(async () => (await copied()).startsWith('curl -H "Authorization: Bearer $TOLLGATE_ADMIN_KEY" '), 'curl is copied');
  await more('Copy as tollgate usage ask')();
  await eventually(async () => (await copied()).startsWith('tollgate usage ask stats --from '), 'ask is copied');
  const told = await control('cli', { arguments: ['usage', 'ask', ...(await copied()).replaceAll("'", '').split(' ').slice(3)] });
  assert.equal(told.status, 0, told.err);
  const [download] = await Promise.all([view.page.waitForEvent('download'), more('Download as CSV')()]);
  assert.equal(download.suggestedFilename(), 'top-routes.csv');
});

check('a member sees their teams’ calls', async ({ open }) => {
  const view = await openUsage(open, { as: 'viewer' });
  const own = await api('viewer', 'GET', view.countedCalls()[0]);
  const all = await api('admin', 'GET', view.countedCalls()[0]);
  assert.ok(own.total_calls < all.total_calls);
});

check('search: pages, tokens, routes, and by key without the key leaving', async ({ open }) => {
  const view = await openUsage(open);
  await view.page.keyboard.press('/');
  const field = view.page.getByRole('searchbox', { name: 'Search' });
  await field.fill('orders');
  await view.page.getByRole('dialog').getByRole('link', { name: /Route \/api\/orders/ }).waitFor();
  await view.axe();
  const { id, key } = site.tokens.caller;
  for (const text of [`Authorization: Bearer ${key}`, `"${key}"`, key.slice(0, 14), `curl -H 'X-API-Key: ${key}' ${site.gateway}/`]) {
    await view.page.getByRole('dialog').locator('input').fill(text);
    const found = text.includes(key) ? view.page.getByRole('link', { name: /caller/ }) : view.page.getByText('Nothing was found');
    await view.page.getByRole('dialog').locator(found).waitFor();
    await view.page.getByText('its hash is looked up').waitFor();
    await view.assertNowhere(key.slice(0, 14));
  }
  await view.page.getByRole('dialog').locator('input').fill(key);
  await view.page.getByRole('dialog').getByRole('link', { name: /caller/ }).click();
  await view.page.waitForURL(new RegExp(`/token-usage/${id}$`));
  await view.assertNowhere(key);
});

for (const more of [{ language: 'zh-TW', theme: 'dark' }, { theme: 'dark' }, { viewport: 'phone' }, { viewport: 'wide', language: 'zh-TW' }])
  check(`it fits and is accessible: ${JSON.stringify(more)}`, async ({ open }) => {
    const view = await openUsage(open, more);
    assert.equal(await view.page.locator('html').getAttribute('lang'), more.language === 'zh-TW' ? 'zh-Hant-TW' : 'en');
    await view.assertFits();
    await view.axe();
  });

check('language and theme are chosen, and remembered', async ({ open }) => {
  const view = await openUsage(open);
  await view.page.getByRole('button', { name: /^Account/ }).click();
  await view.page.getByLabel('Theme').selectOption('dark');
  assert.equal(await view.page.locator('html').getAttribute('data-theme'), 'dark');
  await view.page.getByLabel('Language').selectOption('zh-TW');
  await view.page.getByRole('heading', { name: '使用分析' }).waitFor();
  await view.page.reload();
  await view.page.getByRole('heading', { name: '使用分析' }).waitFor();
  assert.equal(await view.page.locator('html').getAttribute('data-theme'), 'dark');
});

check('a page of an older version loads the newer one, once', async ({ open, gate }) => {
  const view = await open('/sign-in', { expect: ['/api/me', '/assets/', 'Failed to fetch dynamically', 'error loading dynamically'] });
  await view.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await view.page.route(/\/assets\/usage-/, (route) => route.fulfill({ status: 404, body: '' }));
  await view.page.context().addCookies([await sessionCookie('admin')]);
  const since = gate.requests.length;
  await view.goto('/usage-analytics');
  await view.page.getByText('This part of the page broke').waitFor();
  assert.equal(gate.of('/usage-analytics', since).filter((r) => r.method === 'GET').length, 2);
});

check('an address that is no page says so', async ({ open }) => {
  const view = await open('/no-such-page', { as: 'admin', expect: ['/no-such-page'] });
  await view.page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  await view.page.getByRole('link', { name: 'To the overview' }).waitFor();
});
