// /teams, /users, /audit, /nodes, /account.
import assert from 'node:assert/strict';
import { check } from './lib/suite.mjs';
import { api, eventually, sessionCookie, site } from './lib/site.mjs';

const heading = (view, name) => view.page.getByRole('heading', { name, level: 1 });
const button = (at, name) => at.getByRole('button', { name, exact: true });
const dialog = (view) => view.page.getByRole('dialog');
let made = 0;
const fresh = (what) => `${what} ${++made}-${process.pid}`;

const PAGES = [['/teams', 'Teams', '/api/teams'], ['/users', 'People', '/api/users'], ['/audit', 'Audit', '/api/audit'], ['/nodes', 'Nodes', '/api/nodes']];
const OTHERS = [[`/teams/${site.teams?.one}`, 'one'], [`/users/${site.people?.viewer.id}`, 'viewer'], ['/account', 'Account']];

for (const as of ['viewer', 'manager', 'admin'])
  check(`each page, as ${as}`, async ({ open }) => {
    const expect = as === 'viewer' ? [`/api/users/${site.people.viewer.id}`] : [];
    const view = await open('/teams', { as, expect });
    for (const [path, name] of [...PAGES, ...OTHERS]) {
      await view.goto(path);
      await heading(view, name).waitFor();
      await view.settle();
      assert.ok(view.countedCalls().length <= 2, `${path}: ${view.countedCalls()}`);
      await view.axe();
      await view.assertFits();
    }
  });

for (const more of [{ language: 'zh-TW', theme: 'dark' }, { viewport: 'phone', language: 'zh-TW' }, { viewport: 'phone', theme: 'dark' }])
  check(`each page fits: ${JSON.stringify(more)}`, async ({ open }) => {
    const view = await open('/teams', { as: 'admin', ...more });
    for (const [path] of [...PAGES, ...OTHERS]) {
      await view.goto(path);
      await view.page.locator('h1').waitFor();
      await view.settle();
      await view.axe();
      await view.assertFits();
    }
  });

check('a failing API is told, and another try mends it; slow ones have a place', async ({ open }) => {
  for (const [path, name, address] of PAGES) {
    let release;
    const slow = await open(path, { as: 'admin', before: async (v) => { release = await v.hold(address); } });
    await slow.page.getByText(`Loading: ${name}`).waitFor({ state: 'attached' });
    release();
    const view = await open(path, { as: 'admin', before: (v) => v.refuse(address, { status: 500, code: 'internal_error' }) });
    await view.page.getByText(`${name} could not be loaded: The manager failed.`).first().waitFor();
    await view.mend();
    await button(view.page, 'Try again').first().click();
    await view.page.getByRole('table').first().waitFor();
  }
});

check('nothing there: the next step', async ({ open }) => {
  const view = await open('/teams', { as: site.empty.key, base: site.empty.url });
  await view.page.getByText('No teams yet').waitFor();
  await view.goto('/teams?q=none');
  await view.page.getByText('Nothing fits these filters').waitFor();
  await view.page.keyboard.press('Escape');
  await view.page.waitForURL((url) => url.search === '');
});

check('a viewer is offered nothing that they may not', async ({ open }) => {
  const view = await open(`/teams/${site.teams.one}`, { as: 'viewer' });
  await heading(view, 'one').waitFor();
  await view.settle();
  for (const name of ['Add member', 'Delete team', 'Disable team', 'Change name and bounds'])
    assert.equal(await button(view.page, name).count(), 0, name);
  await view.goto('/teams');
  await view.page.getByRole('link', { name: 'one', exact: true }).waitFor();
  assert.equal(await button(view.page, 'Create team').count(), 0);
  await view.goto('/audit');
  await view.page.getByText('Managers read what concerns their teams').waitFor();
  assert.deepEqual(view.countedCalls(), []);
});

check('a team: created, members, roles, bounds, disabled, deleted; the audit has it', async ({ open }) => {
  const name = fresh('Lab');
  const view = await open('/teams', { as: 'admin' });
  await button(view.page, 'Create team').click();
  await button(dialog(view), 'Create team').click();
  await dialog(view).getByText('This is needed.').waitFor();
  await view.axe();
  await dialog(view).getByLabel('Name').fill('one');
  view.expect('/api/teams');
  await button(dialog(view), 'Create team').click();
  await dialog(view).getByRole('alert').first().waitFor();
  await dialog(view).getByLabel('Name').fill(name);
  await dialog(view).getByLabel('Longest life').fill('30');
  await button(dialog(view), 'Create team').click();
  await heading(view, name).waitFor();
  const team = view.page.url().split('/').pop();
  await view.page.getByText('Up to 30 days').waitFor();

  await button(view.page, 'Add member').click();
  await dialog(view).getByLabel('Who').selectOption({ label: 'stranger' });
  await view.axe();
  await button(dialog(view), 'Add member').click();
  await view.page.getByLabel('Role of stranger').selectOption('manager');
  await view.page.getByText('stranger: Manager.').waitFor();
  assert.equal((await api('admin', 'GET', `/api/teams/${team}`)).members[0].role, 'manager');
  await button(view.page, 'Take out stranger').click();
  await view.axe();
  await button(dialog(view), 'Take out').click();
  await view.page.getByText('Nobody is in it yet').waitFor();

  await button(view.page, 'Change name and bounds').click();
  await dialog(view).getByLabel('Longest life').fill('');
  await dialog(view).getByLabel('Address ranges').fill('nonsense');
  view.expect(`/api/teams/${team}`);
  await button(dialog(view), 'Save').click();
  await dialog(view).getByRole('alert').first().waitFor();
  await dialog(view).getByLabel('Address ranges').fill('10.0.0.0/8');
  await button(dialog(view), 'Save').click();
  await view.page.getByText('From 10.0.0.0/8').waitFor();

  await button(view.page, 'Disable team').click();
  await button(dialog(view), 'Disable team').click();
  await view.page.getByText(/^Disabled since /).waitFor();
  await button(view.page, 'Enable team').click();
  await view.page.getByText(/^Disabled since /).waitFor({ state: 'detached' });
  await button(view.page, 'Delete team').click();
  await view.axe();
  await button(dialog(view), 'Delete team').click();
  await view.page.waitForURL(/\/teams$/);

  await view.goto(`/audit?target=team&target_id=${team}`);
  for (const action of ['Team created', 'Team changed', 'Team disabled', 'Team enabled', 'Team deleted'])
    await view.page.getByRole('table').getByText(action).first().waitFor();
  await view.page.locator('.audit-diff ins', { hasText: '10.0.0.0/8' }).locator('visible=true').first().waitFor();
});

check('two roles changed while the list loads: both are shown', async ({ open }) => {
  const team = await api('admin', 'POST', '/api/teams', { name: fresh('Roles') });
  const users = [];
  for (const name of ['first', 'second']) {
    users.push(await api('admin', 'POST', '/api/users', { name: fresh(name) }));
    await api('admin', 'PUT', `/api/teams/${team.id}/members/${users.at(-1).id}`, { role: 'viewer' });
  }
  const view = await open(`/teams/${team.id}`, { as: 'admin', storage: { 'tollgate.refresh': '0' } });
  await view.settle();
  const lists = () => view.sent.filter((r) => r.method === 'GET' && r.url.endsWith(`/api/teams/${team.id}`)).length;
  // The list that the first change asks for is answered before the second, and arrives after it.
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  let isFirst = true;
  await view.page.route((url) => url.pathname === `/api/teams/${team.id}`, async (route) => {
    if (!isFirst)
      return route.continue();
    isFirst = false;
    const json = await api('admin', 'GET', `/api/teams/${team.id}`);
    await released;
    return route.fulfill({ json }).catch(() => {}); // nobody waits for it any more
  });
  await view.page.getByLabel(`Role of ${users[0].name}`).selectOption('manager');
  await eventually(() => lists() === 2, 'the list is asked for');
  await view.page.getByLabel(`Role of ${users[1].name}`).selectOption('manager');
  await view.page.getByText(`${users[1].name}: Manager.`).waitFor();
  release();
  await eventually(() => lists() === 3, 'and once more');
  await view.settle();
  for (const { name } of users)
    assert.equal(await view.page.getByLabel(`Role of ${name}`).inputValue(), 'manager');
});

check('a team with tokens is not deleted, and says why', async ({ open }) => {
  const view = await open(`/teams/${site.teams.one}`, { as: 'admin', expect: [`/api/teams/${site.teams.one}`] });
  await button(view.page, 'Delete team').click();
  await dialog(view).getByText(/A team with tokens is not deleted/).waitFor();
  await button(dialog(view), 'Delete team').click();
  await dialog(view).getByRole('alert').getByText('It does not fit what is there').waitFor();
  await view.page.keyboard.press('Escape');
  await dialog(view).waitFor({ state: 'detached' });
});

check('a manager changes the members of their team alone', async ({ open }) => {
  const view = await open(`/teams/${site.teams.one}`, { as: 'manager' });
  await button(view.page, 'Add member').waitFor();
  assert.equal(await button(view.page, 'Delete team').count(), 0);
  const other = await open(`/teams/${site.teams.two}`, { as: 'manager', expect: [`/api/teams/${site.teams.two}`] });
  await other.page.getByText('It is not there, or not for you').waitFor();
});

check('a user: created, a key that works and is shown once, revoked, disabled, removed, let in again', async ({ open }) => {
  const name = fresh('Ada');
  const view = await open('/users', { as: 'admin' });
  await button(view.page, 'Create user').click();
  await view.axe();
  await dialog(view).getByLabel('Name').fill(name);
  await dialog(view).getByLabel('E-mail').fill('ada@example.com');
  await button(dialog(view), 'Create user').click();
  await heading(view, name).waitFor();
  const id = view.page.url().split('/').pop();

  await button(view.page, 'Create key').click();
  await dialog(view).getByLabel('Name').fill('laptop');
  await view.axe();
  await button(dialog(view), 'Create key').click();
  const key = await dialog(view).getByLabel('Personal key').innerText();
  assert.match(key, /^tgu_/);
  await view.axe();
  assert.equal((await api(key, 'GET', '/api/me')).user.name, name);
  await view.assertNowhere(key);
  await button(dialog(view), 'Done').click();
  await dialog(view).getByText('The key has not been copied').waitFor();
  await button(dialog(view), 'Close without it').click();
  await view.page.getByRole('rowheader', { name: 'laptop' }).waitFor();

  await button(view.page, 'Revoke laptop').click();
  await view.axe();
  await button(dialog(view), 'Revoke').click();
  await view.page.getByText('No keys').waitFor();
  assert.equal((await fetch(`${site.url}/api/me`, { headers: { Authorization: `Bearer ${key}` } })).status, 401);

  await button(view.page, 'Change').click();
  await dialog(view).getByLabel('E-mail').fill('');
  await button(dialog(view), 'Save').click();
  await view.page.getByText('None', { exact: true }).waitFor();
  await button(view.page, 'Disable').click();
  await button(dialog(view), 'Disable').click();
  await button(view.page, 'Enable').click();
  await button(view.page, 'Disable').waitFor();
  await button(view.page, 'Remove').click();
  await button(dialog(view), 'Remove').click();
  await view.page.waitForURL(/\/users$/);
  await view.page.getByLabel('State').selectOption('removed');
  await button(view.page, `Let in again: ${name}`).click();
  await button(dialog(view), 'Let in again').click();
  await eventually(async () => (await api('admin', 'GET', `/api/users/${id}`)).state === 'active', 'they are let in again');
});

check('identities: added and taken away', async ({ open }) => {
  const user = await api('admin', 'POST', '/api/users', { name: fresh('Eve') });
  const view = await open(`/users/${user.id}?tab=identities`, { as: 'admin' });
  await view.page.getByText('No identities').waitFor();
  await button(view.page, 'Add identity').click();
  await dialog(view).getByLabel('Provider (issuer)').fill(site.issuer);
  await dialog(view).getByLabel('Subject').fill('eve-1');
  await view.axe();
  await button(dialog(view), 'Add identity').click();
  await button(view.page, 'Take away eve-1').click();
  await button(dialog(view), 'Take away').click();
  await view.page.getByText('No identities').waitFor();
});

check('the last admin stays one, and the page says why', async ({ open }) => {
  const { user: { id } } = await api(site.empty.key, 'GET', '/api/me', undefined, site.empty.url);
  const view = await open(`/users/${id}`, { as: site.empty.key, base: site.empty.url, expect: [`/api/users/${id}`] });
  for (const act of ['Disable', 'Remove']) {
    await button(view.page, act).click();
    await button(dialog(view), act).click();
    await dialog(view).getByText('They are the last admin who can sign in.').waitFor();
    await button(dialog(view), 'Cancel').click();
  }
  await button(view.page, 'Change').click();
  await dialog(view).getByLabel('Admin').uncheck();
  await button(dialog(view), 'Save').click();
  await dialog(view).getByText('They are the last admin who can sign in.').waitFor();
});

check('ending a session signs that browser out', async ({ open }) => {
  const user = await api('admin', 'POST', '/api/users', { name: fresh('Bob'), is_admin: true });
  const { key } = await api('admin', 'POST', `/api/users/${user.id}/keys`, { name: 'b' });
  const theirs = await open('/account', { expect: ['/api/'], storage: { 'tollgate.refresh': '0' } });
  await theirs.page.getByLabel('Personal key').fill(key);
  await theirs.page.getByRole('button', { name: 'Sign in' }).click();
  await heading(theirs, 'Account').waitFor();
  await theirs.page.getByText('(this browser)').waitFor();
  const view = await open(`/users/${user.id}?tab=sessions`, { as: 'admin' });
  await button(view.page, 'End the session of Chrome on Linux').click();
  await view.axe();
  await button(dialog(view), 'End').click();
  await view.page.getByText('No browser is signed in').waitFor();
  await theirs.page.reload();
  await heading(theirs, 'Sign in').waitFor();
});

check('one’s own account: key, theme, shortcuts, out everywhere', async ({ open }) => {
  const user = await api('admin', 'POST', '/api/users', { name: fresh('Cy'), is_admin: true });
  const { key } = await api('admin', 'POST', `/api/users/${user.id}/keys`, { name: 'c' });
  const view = await open('/account', { as: key, fresh: true, expect: ['/api/'] });
  await view.page.getByLabel('Theme').selectOption('dark');
  assert.equal(await view.page.locator('html').getAttribute('data-theme'), 'dark');
  await view.page.getByLabel('Keyboard shortcuts').uncheck();
  await view.page.locator('h1').click();
  await view.page.keyboard.press('/');
  assert.equal(await dialog(view).count(), 0);
  const other = await sessionCookie(key);
  await button(view.page, 'Sign out everywhere').first().click();
  await view.axe();
  await button(dialog(view), 'Sign out everywhere').click();
  await heading(view, 'Sign in').waitFor();
  assert.equal((await fetch(`${site.url}/api/me`, { headers: { Cookie: `${other.name}=${other.value}` } })).status, 401);
});

check('access requests: counted, granted with a role, refused', async ({ open }) => {
  for (const who of ['nobody']) { // knocks at the door
    const stranger = await open('/sign-in', { expect: ['/api/', site.issuer] });
    await stranger.page.getByRole('link', { name: 'Continue with The real one' }).click();
    await stranger.page.getByLabel('Who').fill(who);
    await stranger.page.getByRole('button', { name: 'Sign in' }).click();
    await stranger.page.waitForURL(/problem=no_role/);
  }
  const view = await open('/users', { as: 'admin' });
  await view.page.getByRole('link', { name: 'Access requests (1)' }).waitFor();
  await button(view.page, 'Refuse No Body').click();
  await view.axe();
  await button(dialog(view), 'Refuse').click();
  await view.page.getByRole('link', { name: 'Access requests', exact: true }).click();
  await view.page.getByText('Nobody asks for access').waitFor();
  await view.page.getByLabel('Show', { exact: true }).selectOption('refused');
  await button(view.page, 'Grant access to No Body').click();
  await dialog(view).getByLabel('Team', { exact: true }).selectOption({ label: 'two' });
  await view.axe();
  await button(dialog(view), 'Let them in').click();
  await view.page.getByText('No Body may sign in.').waitFor();
  const users = await api('admin', 'GET', '/api/users?q=No%20Body');
  assert.deepEqual(users.items[0].teams.map((t) => [t.name, t.role]), [['two', 'viewer']]);
});

check('audit filters are in the address, by clicks; Back undoes them', async ({ open }) => {
  const view = await open('/audit', { as: 'admin' });
  await view.page.getByLabel('Of what').selectOption('user');
  await view.page.waitForURL(/target=user/);
  await view.settle();
  await view.page.getByRole('table').getByRole('link', { name: 'User created' }).first().click();
  await view.page.waitForURL(/action=user\.created/);
  await view.page.getByText('Action: User created').waitFor();
  assert.ok(view.apiCalls().some((c) => c.startsWith('/api/audit?') && c.includes('action=user.created') && c.includes('target=user')));
  await view.page.goBack();
  await view.page.waitForURL((url) => !url.searchParams.has('action') && url.searchParams.get('target') === 'user');
  await view.page.getByText('Action: User created').waitFor({ state: 'detached' });
  await view.page.keyboard.press('Escape');
  await view.page.waitForURL((url) => url.search === '');
  await view.goto('/audit?from=soon&team=x');
  await view.page.getByText('The address has team=x, from=soon, which means nothing here.').waitFor();
});

check('the audit is downloaded as it is filtered, and goes on', async ({ open }) => {
  for (let i = 0; i < 26; i++) { // two lines each
    const { id } = await api('admin', 'POST', '/api/teams', { name: fresh('many') });
    await api('admin', 'DELETE', `/api/teams/${id}`);
  }
  const view = await open('/audit?target=team', { as: 'admin' });
  await view.page.getByText('50 shown, there are more').waitFor();
  await button(view.page, 'Show more').click();
  await eventually(async () => await view.page.getByRole('table').locator('tbody tr').count() > 50, 'there are more rows');
  const [download] = await Promise.all([view.page.waitForEvent('download'), button(view.page, 'Download all as CSV').click()]);
  assert.match(download.suggestedFilename(), /^tollgate-audit-.*\.csv$/);
});

check('nodes: what is wrong is told in colour and words', async ({ open }) => {
  const view = await open('/nodes', { as: 'viewer', storage: { 'tollgate.refresh': '5' } });
  await view.page.getByText('All nodes report, and judge by the newest keys.').waitFor();
  const { items } = await api('viewer', 'GET', '/api/nodes');
  const json = { next: null, items: items.map((n) => ({ ...n, state: 'silent', tokens: { ...n.tokens, is_newest: false, age_ms: 90_000 },
    usage: { waiting_bytes: 4096, oldest_at: '2026-01-01T00:00:00Z', dropped: 7 } })) };
  await view.page.route((url) => url.pathname === '/api/nodes', (route) => route.fulfill({ json }));
  await view.page.getByText('Not heard of: gateway-1.').waitFor({ timeout: 15_000 });
  await view.page.getByText('Records were lost on gateway-1').waitFor();
  await view.page.getByRole('table').getByText('7', { exact: true }).waitFor();
  await view.axe();
});
