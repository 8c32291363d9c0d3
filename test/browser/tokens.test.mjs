// /tokens: the list, and all acts on a token, down to the gateway that takes and refuses its key.
import assert from 'node:assert/strict';
import { check } from './lib/suite.mjs';
import { api, call, control, eventually, site } from './lib/site.mjs';

const LIST = '/api/tokens';
const still = { storage: { 'tollgate.refresh': '0' } };
let made = 0;

async function openTokens(open, query = '', more = {}) {
  const view = await open(`/tokens${query}`, { as: 'admin', ...still, ...more });
  await view.settle();
  return view;
}

const name = (view) => view.page.getByRole('dialog').getByLabel(/^(Name|名稱)$/);
const dialog = (view, title) => view.page.getByRole('dialog', { name: title });
const row = (view, token) => view.page.getByRole('row').filter({ has: view.page.getByRole('link', { name: token, exact: true }) });
const asked = (view) => new URLSearchParams(view.apiCalls().findLast((c) => c.startsWith(`${LIST}?`) && !c.includes('limit=')).split('?')[1]);

// A token of a test's own, by the API.
async function addToken(more = {}, person = 'admin') {
  const token = await api(person, 'POST', LIST, { name: `by a test ${++made} ${Date.now()}`, scopes: ['orders'], team_id: site.teams.one, ...more });
  return { ...token, row: token.name };
}

async function act(view, token, what) {
  await view.page.getByRole('button', { name: `Acts on ${token}` }).click();
  await view.page.getByRole('button', { name: what, exact: true }).click();
}

check('from its making to its end: called, rotated, disabled, revoked, refused', async ({ open }) => {
  const view = await openTokens(open);
  await view.page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: site.url });
  await view.page.getByRole('button', { name: 'Create token' }).click();
  const token = `made in a browser ${Date.now()}`;
  await name(view).fill(token);
  await view.page.getByRole('checkbox', { name: /^orders/ }).check();
  await view.axe();
  await view.page.getByRole('dialog').getByRole('button', { name: 'Create token' }).click();
  const shown = dialog(view, `${token} is created`);
  const key = await shown.getByRole('textbox', { name: 'Key', exact: true }).innerText();
  assert.match(key, /^ntk_[0-9A-Za-z]{38}$/);
  await shown.getByText('Waiting for the first call…').waitFor();
  await view.axe();

  const line = await shown.locator('pre').innerText();
  assert.ok(line.startsWith(`curl -i -H 'X-API-Key: ${key}' '${site.gateway}/api/orders'`), line);
  await eventually(async () => await call(key, '/api/orders/7?ms=20') === 200, 'the key is known');
  await shown.getByText(/^Received: 200, \d+ ms$/).waitFor();
  await shown.getByText('GET /api/orders').waitFor();

  await shown.getByRole('button', { name: 'Done' }).click();
  await shown.getByText('The key has not been copied').waitFor();
  await shown.getByRole('button', { name: 'Copy the key' }).first().click();
  assert.equal(await view.page.evaluate(() => navigator.clipboard.readText()), key);
  await shown.getByRole('button', { name: 'Done' }).click();
  await shown.waitFor({ state: 'detached' });
  await row(view, token).getByText('Active').waitFor();
  assert.ok(!(await view.page.content()).includes(key));
  await view.assertNowhere(key);

  await act(view, token, 'Rotate key');
  await dialog(view, `Rotate the key of ${token}`).getByText(/from one address in the last 24 hours with one call\./).waitFor();
  await view.axe();
  await view.page.getByRole('button', { name: 'Make another key' }).click();
  const rotated = dialog(view, `${token} has another key`);
  const second = await rotated.getByRole('textbox', { name: 'Key', exact: true }).innerText();
  assert.notEqual(second, key);
  await rotated.getByText('Addresses that still use the former key: 1 of 1').waitFor();
  assert.equal(await call(key, '/api/orders/1'), 200);
  await eventually(async () => await call(second, '/api/orders/1') === 200, 'the other key is known');
  await rotated.getByText('The one address that called uses the key of now').waitFor();
  await view.axe();
  await view.page.keyboard.press('Escape');
  await view.page.keyboard.press('Escape');
  await rotated.getByRole('button', { name: 'Close without it' }).click();
  await row(view, token).getByText('Two keys').waitFor();
  await view.assertNowhere(second);

  await act(view, token, 'Disable');
  await view.page.getByText(`${token} is disabled: gateways refuse it.`).waitFor();
  await row(view, token).getByText('Disabled', { exact: true }).waitFor();
  await eventually(async () => await call(second, '/api/orders/1') === 401, 'a disabled key is refused');
  await view.page.getByRole('button', { name: 'Undo' }).click();
  await row(view, token).getByText('Active').waitFor();
  await eventually(async () => await call(second, '/api/orders/1') === 200, 'it is taken again');

  await act(view, token, 'Revoke');
  await dialog(view, `Revoke ${token}`).getByText(/Used .*, from one address/).waitFor();
  await view.axe();
  await view.page.getByRole('button', { name: 'Revoke for good' }).click();
  await dialog(view, `${token} is revoked`).getByText(/^Confirmed by the one node in [\d.]+ ms\.$/).waitFor();
  assert.deepEqual([await call(key, '/api/orders/1'), await call(second, '/api/orders/1')], [401, 401]);
  await dialog(view, `${token} is revoked`).getByRole('button', { name: 'Close' }).last().click();
  await row(view, token).waitFor({ state: 'detached' });
});

check('faults stand at their fields, what was typed stays', async ({ open }) => {
  const view = await openTokens(open, '', { expect: [/\/api\/tokens$/] });
  await view.page.getByRole('button', { name: 'Create token' }).click();
  const form = dialog(view, 'Create a token');
  await form.getByRole('button', { name: 'Create token' }).click();
  await form.getByText('It needs a name.').waitFor();
  assert.equal(await name(view).getAttribute('aria-invalid'), 'true');
  await name(view).fill('with faults');
  await form.getByLabel('Address ranges').fill('10.0.0.0/8\nnowhere');
  await form.getByLabel('Expires').selectOption('own');
  await form.getByLabel('Date and time').fill('2020-01-01T00:00');
  await form.getByRole('button', { name: 'Create token' }).click();
  await form.getByText('That is in the past.').waitFor();
  await form.getByLabel('Expires').selectOption('30');
  await form.getByText(/^Works until .* \(UTC\)\.$/).waitFor();
  await form.getByRole('button', { name: 'Create token' }).click();
  await eventually(async () => await form.getByLabel('Address ranges').getAttribute('aria-invalid') === 'true', 'the fault is at its field');
  assert.equal(await name(view).inputValue(), 'with faults');
  await view.axe();
});

check('the same form sent twice is one token', async ({ open }) => {
  const view = await openTokens(open, '', { expect: [LIST] });
  await view.page.getByRole('button', { name: 'Create token' }).click();
  const token = `sent twice ${Date.now()}`;
  await name(view).fill(token);
  let statusOfLost = null;
  await view.rule((url) => url.pathname === LIST, async (route) => {
    const request = route.request();
    if (request.method() !== 'POST' || statusOfLost !== null)
      return route.continue();
    statusOfLost = 0;
    const answer = await fetch(site.url + LIST, { method: 'POST', body: request.postData(), headers: {
      Authorization: `Bearer ${site.people.admin.key}`, 'Content-Type': 'application/json',
      'Idempotency-Key': request.headers()['idempotency-key'] } });
    statusOfLost = answer.status;
    return route.abort('connectionreset');
  });
  const go = view.page.getByRole('dialog').getByRole('button', { name: 'Create token' });
  await go.click();
  await view.page.getByRole('dialog').getByText('The manager does not answer.').waitFor();
  assert.equal(statusOfLost, 201);
  await go.click();
  await view.page.getByText('The key was shown before and cannot be shown again.').waitFor();
  assert.equal((await api('admin', 'GET', `${LIST}?q=${encodeURIComponent(token)}`)).items.length, 1);
  await view.mend();
});

check('edited: only what differs is sent', async ({ open }) => {
  const token = await addToken({ description: 'before', address_ranges: ['10.0.0.0/8'], expires_at: '2046-01-01T00:00:00Z' });
  const view = await openTokens(open);
  await act(view, token.name, 'Edit');
  await view.axe();
  const form = dialog(view, `Edit ${token.name}`);
  await form.getByLabel('Description').fill('after');
  await form.getByRole('checkbox', { name: /^mail/ }).check();
  await form.getByRole('button', { name: 'Save' }).click();
  await view.page.getByText(`${token.name} is saved.`).waitFor();
  const patch = view.sent.find((r) => r.method === 'PATCH');
  assert.deepEqual(JSON.parse(patch.body), { description: 'after', scopes: ['orders', 'mail'] });
  const now = await api('admin', 'GET', `${LIST}/${token.id}`);
  assert.deepEqual([now.description, now.address_ranges, now.expires_at.slice(0, 10)], ['after', ['10.0.0.0/8'], '2046-01-01']);
  await row(view, token.name).getByText('after').waitFor();
});

check('a rotated key stays in sight, whatever the list below has meanwhile', async ({ open }) => {
  const token = await addToken();
  const view = await openTokens(open, `?q=${encodeURIComponent(token.name)}`);
  await act(view, token.name, 'Rotate key');
  await api('admin', 'PATCH', `${LIST}/${token.id}`, { name: `renamed ${token.id}` });
  const address = view.page.url();
  const release = await view.hold(`${LIST}/${token.id}/rotate`);
  await view.page.getByRole('button', { name: 'Make another key' }).click();
  for (let i = 0; i < 3; i++) // not while the key is on the way
    await view.page.keyboard.press('Escape');
  release();
  const rotated = dialog(view, `renamed ${token.id} has another key`);
  const key = rotated.getByRole('textbox', { name: 'Key', exact: true });
  await key.waitFor();
  await view.settle();
  await view.page.waitForTimeout(1200); // longer than an answer counts as fresh
  assert.equal(await call(await key.innerText(), '/api/orders/1'), 200);
  await view.page.evaluate(() => document.activeElement.blur());
  for (let i = 0; i < 3; i++)
    await view.page.keyboard.press('Escape');
  await rotated.getByText('The key has not been copied').waitFor();
  assert.equal(view.page.url(), address);
  await view.page.keyboard.press('Escape');
  await rotated.getByRole('button', { name: 'Close without it' }).click();
  await view.page.getByText('No tokens that fit').waitFor();
});

check('an act on the second page leaves it in sight, and shows there', async ({ open }) => {
  const name = `paged ${Date.now()}`;
  const all = [];
  for (let i = 10; i < 63; i++)
    all.push(await addToken({ name: `${name} ${i}` }));
  const view = await openTokens(open, `?q=${encodeURIComponent(name)}&sort=name`);
  const rows = view.page.locator('tbody tr');
  await view.page.getByText('50 shown, there are more').waitFor();
  await view.page.getByRole('button', { name: 'Show more' }).click();
  await view.page.getByText('53 shown', { exact: true }).waitFor();
  await act(view, `${name} 61`, 'Disable');
  await row(view, `${name} 61`).getByText('Disabled', { exact: true }).waitFor();
  assert.equal(await rows.count(), 53);
  await act(view, `${name} 10`, 'Delete');
  await view.page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await row(view, `${name} 10`).waitFor({ state: 'detached' });
  await view.page.getByText('52 shown', { exact: true }).waitFor();
  assert.deepEqual(await rows.locator('th a').allInnerTexts(), Array.from({ length: 52 }, (_, i) => `${name} ${i + 11}`));
  for (const { id } of all.slice(1)) // others look for theirs on the first page
    await api('admin', 'DELETE', `${LIST}/${id}`);
});

check('deleted: out of sight', async ({ open }) => {
  const token = await addToken();
  const view = await openTokens(open);
  await act(view, token.name, 'Delete');
  await view.axe();
  await view.page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await view.page.getByText(`${token.name} is deleted.`).waitFor();
  await row(view, token.name).waitFor({ state: 'detached' });
});

check('a viewer sees the list, and nothing to act with', async ({ open }) => {
  const view = await openTokens(open, '', { as: 'viewer' });
  await row(view, 'one-a').waitFor();
  assert.equal(await view.page.getByRole('button', { name: /^(Acts on|Create token)/ }).count(), 0);
  assert.equal(await row(view, 'two-a').count(), 0);
  await view.axe();
});

check('a manager makes tokens for teams of theirs alone', async ({ open }) => {
  const view = await openTokens(open, '', { as: 'manager' });
  await view.page.getByRole('button', { name: 'Create token' }).click();
  const team = dialog(view, 'Create a token').getByLabel('Team');
  await team.waitFor();
  assert.deepEqual(await team.locator('option').allInnerTexts(), ['one']);
  await view.page.keyboard.press('Escape');
  await view.page.getByRole('dialog').waitFor({ state: 'detached' });
  await view.page.getByRole('button', { name: 'Acts on one-a' }).waitFor();
});

check('search, filters and order stand in the address; Back undoes choices', async ({ open }) => {
  const view = await openTokens(open);
  assert.deepEqual(asked(view).getAll('state'), ['active', 'disabled', 'team_disabled']);
  await view.page.getByLabel('Search tokens').fill('one-');
  await view.page.waitForURL(/\?q=one-$/);
  await row(view, 'one-a').waitFor();
  await row(view, 'caller').waitFor({ state: 'detached' });
  await view.page.getByRole('button', { name: 'State: In use' }).click();
  await view.page.getByRole('button', { name: 'All', exact: true }).click();
  await view.page.waitForURL(/\?q=one-&state=all$/);
  const promised = (name) => view.page.getByRole('button', { name, exact: true }).getAttribute('title');
  assert.deepEqual([await promised('Last used'), await promised('Name')], ['descending', 'ascending'], 'what a click comes to');
  await view.page.getByRole('button', { name: 'Name', exact: true }).click();
  await view.page.waitForURL(/sort=name$/);
  await view.settle();
  assert.deepEqual([asked(view).get('sort'), asked(view).getAll('state')], ['name', []]);
  assert.equal(await view.page.getByRole('columnheader', { name: /Name/ }).getAttribute('aria-sort'), 'ascending');
  await view.page.goBack();
  await view.page.goBack();
  await view.page.waitForURL(/\?q=one-$/);
  await view.page.getByRole('heading', { name: 'Tokens' }).focus();
  await view.page.keyboard.press('Escape');
  await view.page.waitForURL((url) => url.search === '');
  assert.equal(await view.page.getByLabel('Search tokens').inputValue(), '');
});

check('teams, scopes and rankings by their menus and by a click on a value', async ({ open }) => {
  const view = await openTokens(open);
  await view.page.getByRole('button', { name: 'Team: All' }).click();
  await view.page.getByRole('button', { name: 'two', exact: true }).click();
  await view.page.waitForURL(new RegExp(`team=${site.teams.two}$`));
  await row(view, 'two-a').waitFor();
  await view.page.getByRole('button', { name: 'Clear filters' }).click();
  await view.page.getByRole('button', { name: 'Scopes: All' }).click();
  await view.page.getByRole('button', { name: 'orders', exact: true }).click();
  await view.page.waitForURL(/scope=orders$/);
  await row(view, 'orders only').waitFor();
  await view.page.getByRole('button', { name: 'Order: By column' }).click();
  await view.page.getByRole('button', { name: 'Most calls in 24 h' }).click();
  await view.page.getByText(/^Calls as of /).waitFor();
  await view.page.getByRole('columnheader', { name: 'Calls in 24 h' }).waitFor();
  assert.equal(asked(view).get('by'), 'calls');
});

check('those that nobody uses are told, and a click leads to them', async ({ open }) => {
  const token = await addToken();
  await control('sql', { statement: "UPDATE tokens SET created_at = now() - interval '200 days' WHERE id = %s RETURNING id", values: [token.id] });
  const view = await openTokens(open);
  await view.page.getByText(/tokens? ha(s|ve) not been used for 90 days/).waitFor();
  assert.ok(view.countedCalls().length <= 2, view.countedCalls().join());
  await view.page.getByRole('link', { name: 'Show them' }).click();
  await view.page.waitForURL(/state=active&unused_days=90/);
  await row(view, token.name).waitFor();
});

check('a team’s tokens: its name by two questions in all', async ({ open }) => {
  const view = await openTokens(open, `?team=${site.teams.one}`);
  await view.page.getByRole('button', { name: 'Team: one' }).waitFor();
  assert.equal(view.countedCalls().length, 2, view.countedCalls().join(' '));
});

check('a page more at a time', async ({ open }) => {
  const view = await openTokens(open, '?state=all');
  const before = await view.page.locator('tbody tr').count();
  if (before === 50) {
    await view.page.getByRole('button', { name: 'Show more' }).click();
    await eventually(async () => await view.page.locator('tbody tr').count() > 50, 'the second page follows');
  }
  const names = await view.page.locator('tbody th a').allInnerTexts();
  assert.equal(new Set(names).size, names.length);
});

check('a whole key in the search is neither sent nor in the address', async ({ open }) => {
  const { key } = site.tokens.caller;
  const view = await openTokens(open);
  await view.page.getByLabel('Search tokens').fill(key);
  await view.page.getByText('This holds a key, which is not sent from here.').waitFor();
  await view.page.waitForTimeout(400); // longer than typing is waited for
  await view.assertNowhere(key);
  const other = await openTokens(open, `?state=none&team=x`);
  await other.page.getByText('The address has state=none, team=x, which means nothing here.').waitFor();
});

check('empty, failing, slow: each says what to do', async ({ open }) => {
  const none = await openTokens(open, '', { as: site.empty.key, base: site.empty.url });
  await none.page.getByText('No tokens yet').waitFor();
  await none.axe();
  const unfit = await openTokens(open, '?q=nothing-has-this-name');
  await unfit.page.getByText('No tokens that fit').waitFor();
  await unfit.page.getByRole('button', { name: 'Clear filters' }).last().click();
  await row(unfit, 'one-a').waitFor();
  const failing = await open('/tokens', { as: 'admin', ...still, before: (v) => v.refuse(LIST, { retryAfter: 0 }) });
  await failing.page.getByText('Tokens could not be loaded: The database does not answer.').waitFor();
  await failing.axe();
  await failing.mend();
  await failing.page.getByRole('button', { name: 'Try again' }).click();
  await row(failing, 'one-a').waitFor();
  let release;
  const slow = await open('/tokens', { as: 'admin', ...still, before: async (v) => { release = await v.hold(LIST); } });
  await slow.page.getByText('Loading: Tokens').waitFor({ state: 'attached' });
  release();
  await row(slow, 'one-a').waitFor();
});

for (const [language, viewport, theme] of [['zh-TW', 'desktop', 'dark'], ['en-US', 'phone', 'light']])
  check(`${language} on a ${viewport}, ${theme}: list and dialogs`, async ({ open }) => {
    const token = await addToken();
    const view = await openTokens(open, '', { language, viewport, theme });
    await view.assertFits();
    await view.axe();
    const acts = view.page.getByRole('button', { name: language === 'zh-TW' ? `${token.name} 的操作` : `Acts on ${token.name}` });
    for (const what of language === 'zh-TW' ? ['編輯', '輪替金鑰', '撤銷', '刪除'] : ['Edit', 'Rotate key', 'Revoke', 'Delete']) {
      await acts.click();
      await view.page.getByRole('button', { name: what, exact: true }).click();
      await view.page.getByRole('dialog').waitFor();
      await view.settle();
      await view.assertFits();
      await view.axe();
      await view.page.keyboard.press('Escape');
      await view.page.getByRole('dialog').waitFor({ state: 'detached' });
    }
  });
