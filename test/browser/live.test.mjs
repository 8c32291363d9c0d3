// Calls as they end: one stream for all tabs of a browser, which ends with what wanted it.
import assert from 'node:assert/strict';
import { check } from './lib/suite.mjs';
import { flood } from './lib/flood.mjs';
import { api, call, control, eventually, site } from './lib/site.mjs';
import { watchTasks } from './lib/tasks.mjs';

const ON = { 'tollgate.live': 'on' };
const rows = (view) => view.page.getByRole('table', { name: 'Latest requests' }).getByRole('row');
const isOpen = (view) => view.page.getByText('Live', { exact: true }).first().waitFor();
const streams = (gate, since) => gate.of('/api/live', since);

// Another tab is in front: pages of a browser that is driven are never hidden by themselves.
async function hide(view, isHidden) {
  await view.page.evaluate((state) => {
    Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, isHidden ? 'hidden' : 'visible');
}

check('the strip is off until asked for, which is remembered; a call arrives and opens its record', async ({ open, gate }) => {
  const since = gate.requests.length;
  const view = await open('/dashboard', { as: 'admin' });
  await view.page.getByText('It is off until you ask for it.').waitFor();
  await view.settle();
  assert.equal(streams(gate, since).length, 0);
  await view.page.getByRole('button', { name: 'Watch live' }).click();
  await isOpen(view);
  assert.equal(await call('caller', '/api/orders/live?status=404'), 404);
  const row = rows(view).filter({ hasText: '404' });
  await row.first().waitFor();
  await view.axe();
  const link = row.first().getByRole('link').first();
  const id = /call=([0-9a-f-]{36})/.exec(await link.getAttribute('href'))[1];
  await eventually(() => api('admin', 'GET', `/api/usage/logs/${id}`).catch(() => null), 'the call is stored');
  await link.click();
  const dialog = view.page.getByRole('dialog', { name: 'Request' });
  await dialog.getByText('tollgate explain').waitFor();
  assert.match(view.page.url(), /call=[0-9a-f-]{36}/);
  await view.axe();
  await view.page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await view.page.reload();
  await isOpen(view);
});

check('a pause holds what comes, and counts it', async ({ open }) => {
  const view = await open('/dashboard', { as: 'admin', storage: ON });
  await isOpen(view);
  await call('caller', '/api/orders/before');
  await rows(view).nth(1).waitFor();
  const before = await rows(view).count();
  await view.page.getByRole('button', { name: 'Pause' }).click();
  await call('caller', '/api/orders/held');
  await view.page.getByText('1 new').waitFor();
  assert.equal(await rows(view).count(), before);
  await view.page.getByRole('button', { name: 'Go on' }).click();
  await eventually(async () => await rows(view).count() === before + 1, 'what was held is shown');
});

check('seven tabs share one stream, each with its own filter', async ({ open, gate }) => {
  const since = gate.requests.length;
  const first = await open('/dashboard', { as: 'admin', storage: ON });
  const tabs = [first];
  for (const path of ['/dashboard?status=404', '/dashboard?status=503', '/dashboard?class=5xx', '/dashboard?method=POST',
    '/dashboard?route=%2Fapi%2Forders', `/token-usage/${site.tokens.caller.id}?live=on`])
    tabs.push(await open(path, { as: 'admin', beside: first }));
  for (const tab of tabs)
    await isOpen(tab);
  await call('caller', '/api/orders/all?status=503', { method: 'POST' });
  for (const tab of [0, 2, 3, 4, 5, 6].map((i) => tabs[i]))
    await rows(tab).filter({ hasText: '503' }).first().waitFor();
  assert.equal(await rows(tabs[1]).count(), 0);
  // Each is asked for before the former ends; what is open in the end is one.
  const asked = streams(gate, since);
  const filters = new URL(asked.at(-1).url).searchParams.getAll('filter');
  assert.equal(filters.length, 7);
  await eventually(() => gate.pending('/api/live') === 1, 'one stream is open');
});

check('hidden tabs want nothing, and say what they missed', async ({ open, gate }) => {
  const first = await open('/dashboard', { as: 'admin', storage: ON });
  const second = await open('/dashboard', { as: 'admin', beside: first });
  await isOpen(first);
  await isOpen(second);
  await call('caller', '/api/orders/seen');
  await rows(first).nth(1).waitFor();
  await hide(first, true);
  await first.page.getByText('Rests while the tab is hidden').waitFor();
  assert.equal(gate.pending('/api/live'), 1);
  await hide(second, true);
  await eventually(() => gate.pending('/api/live') === 0, 'the stream is closed');
  await hide(first, false);
  await isOpen(first);
  await first.page.getByText('the tab was hidden').waitFor();
});

check('it ends with the session in all tabs, and with the last tab', async ({ open, gate }) => {
  const first = await open('/dashboard', { as: 'admin', fresh: true, storage: ON, expect: ['/api/'] });
  const second = await open('/dashboard', { beside: first, expect: ['/api/'] });
  await isOpen(first);
  await isOpen(second);
  const since = gate.requests.length;
  await first.page.getByRole('button', { name: /^Account/ }).click();
  await first.page.getByRole('button', { name: 'Sign out' }).click();
  for (const view of [first, second])
    await view.page.getByLabel('Personal key').waitFor();
  await eventually(() => gate.pending('/api/live') === 0, 'the stream is closed');
  assert.equal(streams(gate, since).length, 0);
});

check('who signs in as another has a stream of their own, and nothing of who was there', async ({ open, gate }) => {
  const first = await open('/dashboard?range=7d&zone=UTC', { as: 'admin', fresh: true, storage: { ...ON, 'tollgate.refresh': '0' } });
  await isOpen(first);
  await first.settle();
  const { code } = JSON.parse((await control('cli', { arguments: ['user', 'link', 'viewer', '--json'] })).out);
  const since = gate.requests.length;
  const release = await first.hold('/api/me');
  const second = await open(`/sign-in#${code}`, { beside: first });
  await second.page.getByRole('button', { name: 'Account: viewer' }).waitFor();
  await eventually(() => first.apiCalls().at(-1) === '/api/me', 'it is asked who is there');
  assert.equal(await first.page.locator('.card, .topbar').count(), 0);
  release();
  await first.page.getByRole('button', { name: 'Account: viewer' }).waitFor();
  for (const view of [first, second])
    await isOpen(view);
  assert.ok(streams(gate, since).length > 0);
  await eventually(() => gate.pending('/api/live') === 1, 'one stream is open');
  const calls = async (view) => Number((await view.page.getByRole('region', { name: 'Calls', exact: true }).locator('.card-value').innerText()).replaceAll(',', ''));
  const own = await api('viewer', 'GET', first.countedCalls().findLast((c) => c.startsWith('/api/usage/stats')));
  assert.equal(await calls(first), own.total_calls);
  await call('caller', '/api/orders/another');
  for (const view of [first, second])
    await rows(view).nth(1).waitFor();
});

check('a tab that closes takes its wish along', async ({ open, gate }) => {
  const view = await open('/dashboard', { as: 'admin', storage: ON });
  const other = await open('/usage-analytics', { as: 'admin', beside: view });
  await isOpen(view);
  await view.page.close({ runBeforeUnload: true });
  await eventually(() => gate.pending('/api/live') === 0, 'the stream is closed');
  assert.ok(other);
});

check('without a SharedWorker each visible tab has its own', async ({ open, gate }) => {
  const without = { as: 'admin', storage: ON, before: (view) => view.page.addInitScript(() => { delete globalThis.SharedWorker; }) };
  const first = await open('/dashboard', without);
  const second = await open('/dashboard', { ...without, beside: first });
  await isOpen(first);
  await isOpen(second);
  assert.equal(gate.pending('/api/live'), 2);
  await call('caller', '/api/orders/own');
  for (const view of [first, second])
    await rows(view).nth(1).waitFor();
  await hide(second, true);
  await eventually(() => gate.pending('/api/live') === 1, 'that of the hidden tab is closed');
});

check('what was dropped, and why it waits, is said', async ({ open }) => {
  const view = await open('/dashboard', { as: 'admin', storage: ON, expect: ['/api/live'],
    before: async (v) => {
      await v.page.addInitScript(() => { delete globalThis.SharedWorker; });
      await v.refuse('/api/live', { status: 429, code: 'too_many_streams', title: 'Too many streams' });
    } });
  await view.page.getByText('Too many live feeds are open; it is tried again by itself.').waitFor();
  await view.mend();
  await isOpen(view);
});

for (const [language, theme] of [['zh-TW', 'dark'], ['en-US', 'dark']])
  check(`live in ${language}, ${theme}, on a phone`, async ({ open }) => {
    const view = await open(`/token-usage/${site.tokens.caller.id}?live=on`, { as: 'viewer', language, theme, viewport: 'phone' });
    await view.page.getByText(language === 'zh-TW' ? '即時' : 'Live', { exact: true }).first().waitFor();
    await view.settle();
    await view.axe();
    await view.assertFits();
  });

check('two hundred requests a second: rows stay bounded, no task is long', { timeout: 90_000 }, async ({ open }) => {
  const view = await open(`/token-usage/${site.tokens.caller.id}?live=on`, { as: 'admin', storage: { 'tollgate.refresh': '0' } });
  await isOpen(view);
  await view.settle();
  const end = await watchTasks(view);
  await flood({ perSecond: 200, seconds: 8 });
  await eventually(async () => Number((await view.page.getByText(/ so far$/).innerText()).replace(/\D/g, '')) >= 1500, 'they are counted');
  assert.equal(await rows(view).count(), 101);
  const { longest, count } = await end();
  assert.ok(count > 10, `${count} tasks were seen`);
  assert.ok(longest <= 100, `a task of ${longest} ms`);
});
