// Signing in by key, by link, at a provider; and out, in all tabs.
import assert from 'node:assert/strict';
import { check } from './lib/suite.mjs';
import { control, site } from './lib/site.mjs';

const NOBODY = { expect: ['/api/me'] };
const heading = (view, name) => view.page.getByRole('heading', { name, level: 1 });

check('by key: back to the page that was asked for', async ({ open }) => {
  const view = await open('/usage-analytics?range=7d&zone=UTC', NOBODY);
  await heading(view, 'Sign in').waitFor();
  await view.axe();
  await view.page.getByLabel('Personal key').fill(site.people.viewer.key);
  await view.page.getByRole('button', { name: 'Sign in' }).click();
  await heading(view, 'Usage analytics').waitFor();
  assert.match(view.page.url(), /\/usage-analytics\?range=7d&zone=UTC$/);
  const { key } = site.people.viewer;
  const places = await view.page.evaluate(() => JSON.stringify([location.href, history.state, { ...localStorage }, { ...sessionStorage }]));
  assert.ok(!places.includes(key));
});

check('what is no personal key is not sent', async ({ open }) => {
  const view = await open('/sign-in', NOBODY);
  const attempts = () => view.apiCalls().filter((c) => c === '/api/session').length;
  for (const [text, said] of [['hello', 'That is not a personal key'], [site.tokens.caller.key, 'That is a gateway key']]) {
    await view.page.getByLabel('Personal key').fill(text);
    await view.page.getByRole('button', { name: 'Sign in' }).click();
    await view.page.getByText(said).waitFor();
  }
  assert.equal(attempts(), 0);
});

check('a wrong key is refused in words', async ({ open }) => {
  const view = await open('/sign-in', { expect: ['/api/me', '/api/session'] });
  await view.page.getByLabel('Personal key').fill(`tgu_${'x'.repeat(38)}`);
  await view.page.getByRole('button', { name: 'Sign in' }).click();
  await view.page.getByRole('alert').getByText('That sign-in is not good').waitFor();
});

check('by link: the code leaves the address, and is good once', async ({ open }) => {
  const made = await control('cli', { arguments: ['user', 'link', 'viewer', '--json'] });
  assert.equal(made.status, 0, made.err);
  const { code } = JSON.parse(made.out);
  const view = await open(`/sign-in#${code}`, NOBODY);
  await view.page.waitForURL(/\/dashboard$/);
  assert.ok(!view.page.url().includes(code));
  const again = await open(`/sign-in#${code}`, { expect: ['/api/me', '/api/session'] });
  await again.page.getByText('The link has been used, or is older than five minutes.').waitFor();
  assert.ok(!again.page.url().includes(code));
});

check('at a provider, and back', async ({ open }) => {
  const view = await open('/usage-analytics?range=7d&zone=UTC', { expect: ['/api/me', site.issuer] });
  await view.page.getByRole('link', { name: 'Continue with The real one' }).click();
  await view.page.getByLabel('Who').fill('anna'); // at test/oidc/provider.mjs
  await view.page.getByRole('button', { name: 'Sign in' }).click();
  await heading(view, 'Usage analytics').waitFor();
  assert.match(view.page.url(), /range=7d/);
});

check('without a role: what to tell an admin, no zeros', async ({ open }) => {
  const view = await open('/usage-analytics', { as: 'stranger' });
  await heading(view, 'You are signed in, but have no role here yet.').waitFor({ state: 'attached' });
  assert.equal(await view.page.locator('.card').count(), 0);
  await view.axe();
});

check('signing out ends it in all tabs', async ({ open }) => {
  const out = { expect: ['/api/me', '/api/usage/stats'] };
  const view = await open('/usage-analytics', { as: 'viewer', fresh: true, ...out });
  await heading(view, 'Usage analytics').waitFor();
  const other = await open('/usage-analytics', { beside: view, ...out });
  await heading(other, 'Usage analytics').waitFor();
  await view.page.getByRole('button', { name: /^Account/ }).click();
  await view.page.getByRole('button', { name: 'Sign out' }).click();
  await heading(view, 'Sign in').waitFor();
  await heading(other, 'Sign in').waitFor();
});

check('what is typed in one tab stays while another signs out', async ({ open }) => {
  const view = await open('/usage-analytics', { as: 'viewer', fresh: true, expect: ['/api/me', '/api/usage/stats'] });
  await heading(view, 'Usage analytics').waitFor();
  const other = await open('/sign-in', { beside: view, ...NOBODY });
  await other.page.getByLabel('Personal key').fill('tgu_typed');
  await view.page.getByRole('button', { name: /^Account/ }).click();
  await view.page.getByRole('button', { name: 'Sign out' }).click();
  await heading(view, 'Sign in').waitFor();
  await other.settle();
  assert.equal(await other.page.getByLabel('Personal key').inputValue(), 'tgu_typed');
});

check('sent back by a provider: why, and what to do', async ({ open }) => {
  const view = await open('/sign-in?problem=no_role', NOBODY);
  await view.page.getByRole('alert').getByText('You have no role here yet.').waitFor();
  const other = await open('/sign-in?problem=%3Cb%3E', NOBODY);
  await heading(other, 'Sign in').waitFor();
  assert.equal(await other.page.getByRole('alert').count(), 0);
});

check('it fits a phone, in both languages', async ({ open }) => {
  const view = await open('/sign-in', { ...NOBODY, viewport: 'phone', language: 'zh-TW', theme: 'dark' });
  await heading(view, '登入').waitFor();
  await view.assertFits();
  await view.axe();
});
