// Where the focus is, what keys do there, what is said aloud; and that what cannot be loaded leaves the rest.
import assert from 'node:assert/strict';
import { check } from './lib/suite.mjs';
import { api, call, eventually, site } from './lib/site.mjs';

const STILL = { 'tollgate.refresh': '0' };
const STATS = '/api/usage/stats';
const BUSY_ID = Object.values(site.shown)[0];
const BROKE = 'This part of the page broke';

const button = (at, name) => at.getByRole('button', { name, exact: true });
const heading = (view, name) => view.page.getByRole('heading', { name, level: 1 });
const region = (view, name) => view.page.getByRole('region', { name, exact: true }).first();
const dialog = (view) => view.page.getByRole('dialog');
const isFocused = (at) => at.evaluate((e) => e === document.activeElement);
const focuses = (at, what) => eventually(async () => await at.count() > 0 && isFocused(at), `the focus is on ${what}`);
const focusIsNowhere = (view) => view.page.evaluate(() => document.activeElement === document.body);

async function openPage(open, path, more = {}) {
  const view = await open(path, { as: 'admin', ...more, storage: { ...STILL, ...more.storage } });
  await view.settle();
  return view;
}

// --- the focus ---

check('a dialog that closes gives the focus back to what opened it', async ({ open }) => {
  const view = await openPage(open, '/tokens');
  const search = view.page.locator('.topbar-search');
  const openers = [[button(view.page, 'Create token').first(), 'Create token'], [search, 'the search'], [button(view.page, 'Keyboard'), 'the list of keys']];
  for (const [opener, what] of openers) {
    await opener.focus();
    await view.page.keyboard.press('Enter');
    await dialog(view).waitFor();
    await view.page.keyboard.press('Escape');
    await dialog(view).waitFor({ state: 'detached' });
    await focuses(opener, what);
  }
  const acts = view.page.getByRole('button', { name: /^Acts on/ }).first();
  await acts.click();
  await button(view.page, 'Delete').click();
  await button(dialog(view), 'Cancel').click();
  await focuses(acts, 'the menu of acts');
  const { id } = site.tokens.caller;
  await call('caller', '/api/orders/opened');
  await eventually(async () => (await api('admin', 'GET', `/api/usage/logs?token=${id}`)).items.length > 0, 'the call is stored');
  await view.goto(`/token-usage/${id}`);
  await view.settle();
  const record = view.page.getByRole('table', { name: 'Requests' }).locator('a[href*="call="]').first();
  await record.click();
  await dialog(view).waitFor();
  await view.page.keyboard.press('Escape');
  await focuses(record, 'the request');
});

check('on another page keys go on from its name, on the first from the top', async ({ open }) => {
  const view = await openPage(open, '/usage-analytics?range=7d&zone=UTC');
  assert.ok(await focusIsNowhere(view));
  await region(view, 'Top tokens').getByRole('link').first().click();
  await view.page.waitForURL(/\/token-usage\//);
  await view.settle();
  await focuses(view.page.locator('h1'), 'the token');
  await view.page.goBack();
  await focuses(heading(view, 'Usage analytics'), 'the page that is back');
  const nav = view.page.getByRole('link', { name: 'Nodes', exact: true });
  await nav.click();
  await heading(view, 'Nodes').waitFor();
  await view.settle();
  assert.ok(await isFocused(nav));
  await view.goto(`/token-usage/${BUSY_ID}`);
  await view.settle();
  assert.ok(await focusIsNowhere(view));
});

check('arrows rest in a table, Esc and / do not', async ({ open }) => {
  const view = await openPage(open, `/token-usage/${BUSY_ID}?range=7d&zone=UTC&method=POST`);
  const table = view.page.getByRole('group', { name: 'Requests' });
  await table.focus();
  await view.page.keyboard.press('ArrowLeft');
  await view.page.keyboard.press('/');
  await dialog(view).waitFor();
  assert.match(view.page.url(), /range=7d/);
  await view.page.keyboard.press('Escape');
  await focuses(table, 'the table');
  await view.page.keyboard.press('Escape');
  await view.page.waitForURL((url) => !url.searchParams.has('method') && url.searchParams.get('range') === '7d');
});

check('a menu that is left by Tab is closed; a click on its text does not leave it', async ({ open }) => {
  const view = await openPage(open, `/usage-analytics?range=7d&zone=UTC&token=${BUSY_ID}`);
  const range = view.page.getByRole('button', { name: /^Range:/ });
  const box = view.page.locator('.menu-box');
  for (const [key, most] of [['Tab', 40], ['Shift+Tab', 1]]) {
    await range.focus();
    await view.page.keyboard.press('Enter');
    await box.waitFor();
    await box.getByRole('heading').click();
    assert.equal(await box.count(), 1);
    await range.focus();
    let times = 0;
    for (; await box.count() > 0 && times < most; times++)
      await view.page.keyboard.press(key);
    assert.ok(key === 'Shift+Tab' || times > 5, `${times} times`);
    await box.waitFor({ state: 'detached' });
    assert.ok(!await focusIsNowhere(view) && !await isFocused(range));
  }
  await view.page.keyboard.press('Escape');
  await view.page.waitForURL((url) => !url.searchParams.has('token'));
});

check('a range of another zone leaves the focus on its menu', async ({ open }) => {
  const view = await openPage(open, '/usage-analytics?range=7d&zone=UTC');
  const range = view.page.getByRole('button', { name: /^Range:/ });
  await range.click();
  await view.page.getByLabel('Time zone').selectOption('America/New_York');
  await button(view.page, 'Apply').click();
  await view.page.waitForURL(/zone=America%2FNew_York/);
  await focuses(range, 'the range');
});

check('a menu whose list comes later stays within the window', async ({ open }) => {
  const { items } = await api('admin', 'GET', '/api/teams');
  const json = { next: null, items: items.map((t) => ({ ...t, name: `${t.name}, which has a very long name` })) };
  const view = await openPage(open, '/tokens', { viewport: 'phone' });
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  await view.page.route((url) => url.pathname === '/api/teams', (route) => released.then(() => route.fulfill({ json })));
  const menu = view.page.getByRole('button', { name: /^Team: / });
  await menu.evaluate((b) => { b.parentElement.style.marginLeft = '150px'; });
  await menu.click();
  const box = view.page.locator('.menu-box');
  await box.waitFor();
  const before = await box.boundingBox();
  release();
  await box.getByText(/very long name/).first().waitFor();
  await view.settle();
  const after = await box.boundingBox();
  assert.ok(after.width > before.width, `${before.width}, then ${after.width}`);
  assert.ok(after.x >= 0 && after.x + after.width <= 390, JSON.stringify(after));
  await view.assertFits();
});

// --- what is said aloud ---

// What is said within `where` from now on; the returned function tells it.
async function listen(view, where) {
  await view.page.evaluate((selector) => {
    window.__said = [];
    new MutationObserver((changes) => {
      for (const { target, addedNodes } of changes) {
        const at = target instanceof Element ? target : target.parentElement;
        const isNew = [...addedNodes].some((n) => n instanceof Element && (n.matches(selector) || n.querySelector(selector)));
        if (isNew || at?.closest(selector))
          window.__said.push(target.textContent);
      }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  }, where);
  return () => view.page.evaluate(() => window.__said);
}

// Questions fail, each by an id of its own.
async function failing(view, path) {
  let n = 0;
  view.expect(path);
  await view.rule((url) => url.pathname === path, (route) => {
    const id = `019a9b3c-7f12-7c55-9d0e-${String(++n).padStart(12, '0')}`;
    return route.fulfill({ status: 503, headers: { 'content-type': 'application/json', 'tollgate-request-id': id, 'retry-after': '5' },
      body: JSON.stringify({ type: 'urn:tollgate:problem:database_unavailable', status: 503, code: 'database_unavailable',
        title: 'The database does not answer', detail: 'made up by a test', instance: `urn:uuid:${id}` }) });
  });
  return () => n;
}

check('a failure is said once, however often it is tried again', async ({ open }) => {
  let tries;
  const view = await open('/usage-analytics', { as: 'admin', storage: { 'tollgate.refresh': '5' },
    before: async (v) => { tries = await failing(v, STATS); } });
  await view.page.getByRole('alert').getByText('The database does not answer').waitFor();
  const request = view.page.getByText(/^Request 019a/);
  const [first, sofar] = [await request.innerText(), tries()];
  const said = await listen(view, '[role=alert], .notice [role=status]');
  await eventually(async () => tries() > sofar + 1 && await request.innerText() !== first, 'it fails again');
  assert.deepEqual(await said(), []);
  await view.mend();
  await region(view, 'Calls').waitFor();
  const then = await failing(view, STATS);
  await view.page.getByRole('status').getByText(/could not be loaded.*Shown: /).waitFor();
  const saidThen = await listen(view, '[role=alert], .notice [role=status]');
  const before = then();
  await eventually(() => then() > before + 1, 'it fails again, above what is shown');
  assert.deepEqual(await saidThen(), []);
});

check('when a key was last used is not said with each tick', async ({ open }) => {
  const view = await openPage(open, `/token-usage/${BUSY_ID}`);
  await view.page.getByRole('button', { name: /^Acts on/ }).click();
  await button(view.page, 'Revoke').click();
  const used = dialog(view).locator('.notice').getByText(/^(Used|Last used) /);
  await used.waitFor();
  assert.equal(await used.evaluate((e) => e.closest('[role=status], [role=alert], [aria-live]')), null);
});

check('the live feed says nothing during a pause, and nothing twice', async ({ open }) => {
  const view = await open('/dashboard', { as: 'admin', storage: { ...STILL, 'tollgate.live': 'on' } });
  await view.page.getByText('Live', { exact: true }).first().waitFor();
  const spoken = view.page.locator('.live-head [role=status]');
  await eventually(async () => {
    await call('caller', '/api/orders/said');
    return await spoken.innerText() !== '';
  }, 'it is said how many came', 20_000);
  await button(view.page, 'Pause').click();
  await button(view.page, 'Go on').waitFor();
  const before = await spoken.innerText();
  const said = await listen(view, '.live-head [role=status]');
  await call('caller', '/api/orders/held');
  await view.page.getByText(/^\d+ new$/).waitFor(); // some of the calls before may have been on their way
  await view.settle();
  assert.deepEqual(await said(), []);
  await button(view.page, 'Go on').click();
  await button(view.page, 'Pause').waitFor();
  await view.settle();
  assert.ok(!(await said()).includes(before), 'it is said again');
});

// --- what fails ---

check('a sign-out that fails is told', async ({ open }) => {
  const view = await openPage(open, '/nodes', { fresh: true });
  await view.refuse('/api/session');
  await view.page.getByRole('button', { name: /^Account/ }).click();
  await button(view.page, 'Sign out').click();
  await view.page.getByRole('status').getByText('The database does not answer').waitFor();
  await heading(view, 'Nodes').waitFor();
  const stranger = await openPage(open, '/nodes', { as: 'stranger', fresh: true });
  await stranger.refuse('/api/session');
  await button(stranger.page, 'Sign out').click();
  await stranger.page.getByRole('status').getByText('The database does not answer').waitFor();
});

check('a cost that is not known has its reason', async ({ open }) => {
  const view = await open('/dashboard?range=7d&zone=UTC', { as: 'admin', storage: STILL,
    before: (v) => v.refuse('/api/usage/cost', { status: 500, code: 'internal_error' }) });
  await region(view, 'Cost so far').getByText('The manager failed').waitFor();
});

check('who waits for a first call hears why none is seen', async ({ open }) => {
  const view = await openPage(open, '/tokens');
  await view.refuse('/api/usage/logs');
  await button(view.page, 'Create token').first().click();
  await dialog(view).getByLabel('Name').fill(`not seen ${Date.now()}`);
  await button(dialog(view), 'Create token').click();
  await dialog(view).getByRole('status').getByText('The database does not answer.').waitFor();
  await view.mend();
  await dialog(view).getByText('Waiting for the first call…').waitFor();
});

// --- what cannot be loaded ---

const MARK = () => { window.__isOld = true; };
const isOld = (view) => view.page.evaluate(() => window.__isOld === true);

check('while nobody answers, what is there stays: no part takes it along, and it is not loaded anew', async ({ open }) => {
  const view = await openPage(open, '/usage-analytics?range=7d&zone=UTC');
  await view.page.evaluate(MARK);
  view.expect('/');
  await view.rule(() => true, (route) => route.abort('connectionreset'));
  const calls = await region(view, 'Calls').locator('.card-value').innerText();
  await view.page.keyboard.press('/');
  await dialog(view).getByText(BROKE).waitFor();
  await view.axe();
  await view.page.keyboard.press('Escape');
  await dialog(view).waitFor({ state: 'detached' });
  await view.page.getByRole('link', { name: 'Nodes', exact: true }).click();
  await view.page.getByRole('alert').getByText(BROKE).waitFor();
  await view.page.goBack();
  await region(view, 'Calls').waitFor();
  assert.equal(await region(view, 'Calls').locator('.card-value').innerText(), calls);
  await view.page.getByRole('button', { name: /^Account/ }).click();
  await view.page.getByLabel('Language').selectOption('zh-TW');
  await view.page.getByRole('status').getByText('The manager does not answer').waitFor();
  assert.ok(await isOld(view));
  await view.mend();
});

check('charts that cannot be loaded leave the numbers; another try brings them', async ({ open, gate }) => {
  const view = await openPage(open, '/nodes');
  await view.breakOff(/\/assets\/(Time|Share)Chart-/);
  const since = gate.requests.length;
  await view.goto('/usage-analytics?range=7d&zone=UTC');
  await region(view, 'Calls and response time').getByRole('alert').getByText(BROKE).waitFor();
  await region(view, 'Calls').locator('.card-value').waitFor();
  await region(view, 'Top tokens').getByRole('link').first().waitFor();
  await view.axe();
  assert.equal(gate.of('/usage-analytics', since).filter((r) => r.method === 'GET').length, 2);
  await view.mend();
  await button(region(view, 'Calls and response time'), 'Try again').click();
  await region(view, 'Calls and response time').locator('.recharts-surface').first().waitFor();
});

check('the pages before one signs in say it too', async ({ open }) => {
  for (const [path, chunk] of [['/sign-in', /\/assets\/SignInPage-/], ['/self', /\/assets\/SelfPage-/]]) {
    const view = await open(path, { expect: ['/api/me'], before: (v) => v.breakOff(chunk) });
    await view.page.getByRole('alert').getByText(BROKE).waitFor();
    await view.mend();
    await button(view.page, 'Try again').click();
    await view.page.getByRole('heading', { level: 1 }).waitFor();
  }
});
