// /teams, /users, /audit, /nodes, /account.
import assert from 'node:assert/strict';
import { check } from './lib/suite.mjs';
import { api, eventually, site } from './lib/site.mjs';

const PAGES = [['/teams', 'Teams', '團隊'], ['/users', 'People', '人員'], ['/audit', 'Audit', '稽核紀錄'], ['/nodes', 'Nodes', '節點'], ['/account', 'Account', '帳號']];
const heading = (view, name) => view.page.getByRole('heading', { name, level: 1 });
const button = (at, name) => at.getByRole('button', { name, exact: true });

for (const [path, name, chinese] of PAGES) {
  check(`${path}: with data, accessible, on a phone and in Chinese`, async ({ open }) => {
    const view = await open(path, { as: 'admin' });
    await heading(view, name).waitFor();
    await view.page.getByRole('table').first().waitFor();
    await view.settle();
    await view.axe();
    const phone = await open(path, { as: 'admin', viewport: 'phone', language: 'zh-TW', theme: 'dark' });
    await heading(phone, chinese).waitFor();
    await phone.settle();
    await phone.assertFits();
    await phone.axe();
  });

  check(`${path}: a failure is told, and another try mends it`, async ({ open }) => {
    const asked = path === '/account' ? `/api/users/${site.people.admin.id}/keys` : `/api${path}`;
    const view = await open(path, { as: 'admin', before: (v) => v.refuse(asked, { retryAfter: 0 }) });
    await view.page.getByRole('alert').getByText('The database does not answer').waitFor();
    await view.mend();
    await view.page.getByRole('button', { name: 'Try again' }).click();
    await view.page.getByRole('table').first().waitFor();
  });
}

check('what a button opens stays within a phone’s width', async ({ open }) => {
  const view = await open('/teams', { as: 'admin', viewport: 'phone', storage: { 'tollgate.refresh': '0' } });
  for (const path of ['/usage-analytics', `/token-usage/${site.tokens.caller.id}`, '/tokens', '/users', '/audit']) {
    await view.goto(path);
    await view.settle();
    const menus = view.page.locator('.menu > button:visible');
    assert.ok(await menus.count() > 0);
    for (const menu of await menus.all()) {
      await menu.click();
      const box = view.page.locator('.menu-box');
      await box.waitFor();
      await view.assertFits();
      const { left, right, width } = await box.evaluate((b) => ({ ...b.getBoundingClientRect().toJSON(), width: document.documentElement.clientWidth }));
      assert.ok(left >= 0 && right <= width, `${path}, ${await menu.getAttribute('aria-label')}: ${left} to ${right} of ${width}`);
      await view.page.keyboard.press('Escape');
      await box.waitFor({ state: 'detached' });
    }
  }
});

// A key as people paste one.
const pastes = (key) => [key, key.slice(0, 20), `Bearer ${key}`, `"${key}"`, `curl -H 'X-API-Key: ${key}' ${site.gateway}/api/orders`];
const TEXTS = 'input:not([type=checkbox]):not([type=radio]):not([type^=datetime]):visible, textarea:visible';
const ELSEWHERE = 'This holds a key, which is not sent from here.';

for (const [path, create] of [['/teams', 'Create team'], ['/users', 'Create user'], ['/tokens', 'Create token'], ['/audit', null]])
  check(`${path}: a key stays in the field that it was pasted into`, async ({ open }) => {
    const { key } = site.tokens.caller;
    const view = await open(path, { as: 'admin', storage: { 'tollgate.refresh': '0' } });
    await view.settle();
    const asked = view.apiCalls().length;
    for (const text of pastes(key)) {
      const field = view.page.locator('main').locator(TEXTS).first();
      await field.fill(text);
      await view.page.getByText(ELSEWHERE).waitFor();
      assert.equal(await field.getAttribute('type'), 'password');
      await field.press('Enter');
      await view.page.waitForTimeout(400); // longer than typing is waited for
      await view.assertNowhere(key.slice(0, 20));
      assert.equal(new URL(view.page.url()).search, '');
    }
    await view.axe();
    await view.page.locator('main').locator(TEXTS).first().fill('');
    await view.page.getByText(ELSEWHERE).waitFor({ state: 'detached' });
    assert.equal(view.apiCalls().length, asked);
    if (create === null)
      return;
    await button(view.page, create).first().click();
    const dialog = view.page.getByRole('dialog');
    await dialog.locator(TEXTS).first().waitFor();
    const fields = await dialog.locator(TEXTS).all();
    for (const field of fields) {
      await field.fill(`Bearer ${key}`);
      await dialog.getByText(ELSEWHERE).waitFor();
      await field.fill('');
    }
    await fields[0].fill(`Bearer ${key}`);
    await button(dialog, create).click();
    await dialog.getByText('Something in the form cannot be taken').waitFor();
    await view.axe();
    await view.assertNowhere(key.slice(0, 20));
    assert.ok(view.sent.every((r) => r.method === 'GET'));
  });

check('a key in an address that somebody opens is neither asked for nor told', async ({ open }) => {
  const { key } = site.tokens.caller;
  for (const path of [`/teams?q=Bearer+${key}`, `/users?q=${key}&state=${key}`, `/tokens?q=%22${key}%22`, `/audit?user=${key}&from=${key}&actor=x+${key}`,
    `/usage-analytics?route=/api/${key}&range=${key}`]) {
    const view = await open(path, { as: 'admin' });
    await view.page.getByText(/The address has .*\*\*\*.*, which means nothing here\./).waitFor();
    await view.settle();
    assert.ok(!(await view.page.locator('body').innerText()).includes(key.slice(0, 20)));
    assert.deepEqual(view.apiCalls().filter((c) => c.includes(key.slice(0, 20))), []);
  }
});

check('the choice of people asks nobody for a key', async ({ open }) => {
  const { key } = site.tokens.caller;
  const view = await open(`/teams/${site.teams.one}`, { as: 'admin' });
  const json = { ...await api('admin', 'GET', '/api/users'), next: '/api/users?cursor=more' };
  await view.page.route((url) => url.pathname === '/api/users', (route) => route.fulfill({ json }));
  await button(view.page, 'Add member').click();
  const field = view.page.getByRole('dialog').getByLabel('Search people');
  for (const text of pastes(key)) {
    await field.fill(text);
    await view.page.getByText(ELSEWHERE).waitFor();
    await view.settle();
    await view.assertNowhere(key.slice(0, 20));
  }
});

check('what is typed keeps its blanks, and goes nowhere once its page is left', async ({ open }) => {
  const view = await open('/teams', { as: 'admin', storage: { 'tollgate.refresh': '0' } });
  for (const [path, label, next] of [['/teams', 'Search by name', 'People'], ['/tokens', 'Search tokens', 'Teams']]) {
    await view.goto(path);
    await view.settle();
    const field = view.page.getByLabel(label);
    await field.pressSequentially('data ');
    await view.page.waitForURL((url) => url.searchParams.get('q') === 'data');
    await view.settle();
    assert.equal(await field.inputValue(), 'data ');
    await field.pressSequentially('team');
    await view.page.waitForURL((url) => url.searchParams.get('q') === 'data team');
    await view.page.getByRole('button', { name: /^Clear (the )?filters$/ }).first().click();
    await view.page.waitForURL((url) => url.search === '');
    await view.page.waitForTimeout(400);
    assert.deepEqual([new URL(view.page.url()).search, await field.inputValue()], ['', '']);
    await field.fill('left');
    await view.page.getByRole('link', { name: next, exact: true }).first().click();
    await heading(view, next).waitFor();
    await view.page.waitForTimeout(400);
    assert.equal(new URL(view.page.url()).search, '');
  }
});

check('a viewer opens what they may, and is offered nothing else', async ({ open }) => {
  for (const path of ['/teams', '/nodes', '/account']) {
    const view = await open(path, { as: 'viewer' });
    await view.page.getByRole('table').first().waitFor();
    assert.equal(await button(view.page, 'Create team').count(), 0);
    assert.equal(await view.page.getByRole('link', { name: 'Audit' }).count(), 0);
  }
  const audit = await open('/audit', { as: 'viewer' });
  await audit.page.getByText('Managers read what concerns their teams').waitFor();
});

check('a team: made, somebody taken in, told in the audit', async ({ open }) => {
  const view = await open('/teams', { as: 'admin' });
  await button(view.page, 'Create team').first().click();
  const dialog = view.page.getByRole('dialog');
  await view.axe();
  await dialog.getByLabel('Name').fill('Robotics');
  await button(dialog, 'Create team').click();
  await dialog.waitFor({ state: 'detached' });
  const team = await eventually(async () => (await api('admin', 'GET', '/api/teams?q=Robotics')).items[0], 'the team is there');
  await view.goto(`/teams/${team.id}`);
  await heading(view, 'Robotics').waitFor();
  await view.settle();
  await view.axe();
  const audit = await open(`/audit?target=team&target_id=${team.id}`, { as: 'admin' });
  await audit.page.getByRole('link', { name: 'Team created' }).first().waitFor();
  await audit.page.getByRole('button', { name: `Take away Id: ${team.id}` }).click();
  await audit.page.waitForURL((url) => !url.searchParams.has('target_id'));
  await audit.page.goBack();
  await audit.page.waitForURL((url) => url.searchParams.get('target_id') === String(team.id));
});

check('one’s own key: shown once, good, and nowhere else', async ({ open }) => {
  const view = await open('/account', { as: 'admin', fresh: true });
  await button(view.page, 'Create key').click();
  const dialog = view.page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('laptop');
  await button(dialog, 'Create key').click();
  const key = await eventually(async () => /tgu_[0-9A-Za-z]{38}/.exec(await dialog.evaluate((d) =>
    d.innerText + [...d.querySelectorAll('input, textarea')].map((i) => i.value).join(' ')))?.[0], 'the key is shown');
  assert.equal((await api(key, 'GET', '/api/me')).user.id, site.people.admin.id);
  await view.axe();
  await view.assertNowhere(key);
});

check('the page of a user, and nodes that are well', async ({ open }) => {
  const user = await open(`/users/${site.people.viewer.id}`, { as: 'admin' });
  await heading(user, 'viewer').waitFor();
  await user.settle();
  await user.axe();
  const nodes = await open('/nodes', { as: 'admin' });
  await nodes.page.getByText('All nodes report, and judge by the newest keys.').waitFor();
});
