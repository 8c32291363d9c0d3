// PostgreSQL really stopped: what the pages show meanwhile, and after it.
import assert from 'node:assert/strict';
import { check } from './lib/suite.mjs';
import { api, call, control, eventually, sessionCookie, site } from './lib/site.mjs';

const BUSY_ID = Object.values(site.shown)[0];
const PAGES = ['/dashboard', '/usage-analytics', `/token-usage/${BUSY_ID}`, '/route-usage?path=%2Fapi%2Fopenai', '/tokens', '/teams',
  `/teams/${site.teams.one}`, '/users', `/users/${site.people.viewer.id}`, '/audit', '/nodes', '/account'];
const WORDS = {
  'en-US': { failed: 'The database does not answer', old: 'what is shown may be up to ten minutes old', again: 'Try again' },
  'zh-TW': { failed: '資料庫沒有回應', old: '資料庫目前無法連線', again: '再試一次' },
};
const calls = (view) => view.page.getByRole('region', { name: 'Calls', exact: true }).first().locator('.card-value').innerText();

// Without a database; afterwards there is one again, and the manager has found it, to read and to sign people in.
async function away(body) {
  await control('database', { away: true });
  try {
    return await body();
  } finally {
    await control('database', { away: false });
    for (const works of [() => api('admin', 'GET', '/api/tokens?limit=1'), () => sessionCookie('admin')])
      await eventually(() => works().catch(() => null), 'the manager has its database again', 30_000);
  }
}

// In Chinese what shapes there are: the overview, a list, one of people, facts.
const IN_CHINESE = ['/dashboard', '/tokens', '/users', '/account'];

for (const [language, words] of Object.entries(WORDS))
  check(`each page says that the database does not answer, and how old it is who asks (${language})`, async ({ open }) => {
    const view = await open('/teams', { as: 'admin', language, viewport: language === 'zh-TW' ? 'phone' : 'desktop' });
    await view.page.getByRole('table').first().waitFor();
    view.expect('/api/');
    await away(async () => {
      for (const path of language === 'zh-TW' ? IN_CHINESE : PAGES) {
        await view.goto(path);
        await view.page.getByRole('alert').getByText(words.failed).first().waitFor();
        await view.axe();
        await view.assertFits();
      }
      await eventually(async () => {
        await view.page.reload();
        await view.page.getByRole('alert').first().waitFor();
        return view.page.getByText(words.old).isVisible();
      }, 'what is known of who asks is old', 30_000);
      await view.axe();
      await view.assertFits();
    });
    await view.page.getByRole('button', { name: words.again }).first().click();
    await view.page.getByRole('table').first().waitFor();
    await view.page.getByText(words.old).waitFor({ state: 'detached' });
  });

check('what is shown stays, the feed goes on, and all is mended by itself', async ({ open }) => {
  const view = await open('/dashboard?range=today&zone=UTC', { as: 'admin', storage: { 'tollgate.refresh': '5', 'tollgate.live': 'on' } });
  await view.page.getByText('Live', { exact: true }).first().waitFor();
  await view.settle();
  view.expect('/api/');
  const before = await calls(view);
  const failed = view.page.getByText(WORDS['en-US'].failed);
  await away(async () => {
    await failed.first().waitFor();
    assert.equal(await calls(view), before);
    assert.equal(await call('caller', '/api/orders/while-away?status=418'), 418);
    await view.page.getByRole('table', { name: 'Latest requests' }).getByRole('row').filter({ hasText: '418' }).first().waitFor();
  });
  await failed.first().waitFor({ state: 'detached' });
});

check('a page that has nothing goes on saying so, by the clock', async ({ open }) => {
  const view = await open('/account', { as: 'admin', storage: { 'tollgate.refresh': '5' } });
  await view.page.getByRole('table').first().waitFor();
  view.expect('/api/');
  await away(async () => {
    await view.goto('/usage-analytics');
    const failed = view.page.getByRole('alert').getByText(WORDS['en-US'].failed);
    await failed.waitFor();
    const asked = () => view.apiCalls().filter((c) => c.startsWith('/api/usage/stats')).length;
    const sofar = asked();
    await eventually(async () => {
      assert.ok(await failed.isVisible());
      return asked() > sofar + 1;
    }, 'it is asked again');
  });
  await view.page.getByRole('region', { name: 'Calls', exact: true }).first().waitFor();
});

check('signing in by key or link says it too, and works with what was given once there is a database', async ({ open }) => {
  const view = await open('/sign-in', { expect: ['/api/'] });
  const enter = () => view.page.getByRole('button', { name: 'Sign in' }).click();
  await view.page.getByLabel('Personal key').fill(site.people.admin.key);
  await away(async () => {
    await enter();
    await view.page.getByText(WORDS['en-US'].failed).waitFor();
    await view.axe();
  });
  await enter();
  await view.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();

  const { out } = await control('cli', { arguments: ['user', 'link', 'admin', '--json'] });
  const linked = await away(async () => {
    const other = await open(`/sign-in#${JSON.parse(out).code}`, { expect: ['/api/'] });
    await other.page.getByText(WORDS['en-US'].failed).waitFor();
    return other;
  });
  await linked.page.getByRole('button', { name: 'Try again' }).click();
  await linked.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
});
