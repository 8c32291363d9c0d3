// /self: a key's holder sees what it is and its own use, without signing in.
import assert from 'node:assert/strict';
import { check } from './lib/suite.mjs';
import { api, call, site } from './lib/site.mjs';

async function show(view, key, button = 'Show') {
  await view.page.getByLabel('Gateway key').fill(key);
  await view.page.getByRole('button', { name: button, exact: true }).click();
}

check('a key’s own use, and the key nowhere', async ({ open }) => {
  const { key } = site.tokens['orders only'];
  await call('orders only', '/api/orders/1');
  const view = await open('/self');
  await view.settle();
  await view.axe();
  await show(view, key);
  await view.page.getByText('orders only').waitFor();
  await view.page.getByRole('table', { name: 'Its use' }).getByRole('row', { name: /^Calls/ }).waitFor();
  await view.axe();
  assert.deepEqual(view.apiCalls(), ['/api/self']);
  assert.ok(!(await view.page.content()).includes(key));
  await view.assertNowhere(key);
  await view.page.getByRole('button', { name: 'Forget the key' }).click();
  assert.equal(await view.page.getByLabel('Gateway key').inputValue(), '');
});

check('what is no gateway key is not sent', async ({ open }) => {
  const view = await open('/self');
  await show(view, site.people.admin.key);
  await view.page.getByText('That is a personal key').waitFor();
  await show(view, 'a b');
  await view.page.getByText('That is not a gateway key.').waitFor();
  assert.deepEqual(view.apiCalls(), []);
  await view.assertNowhere(site.people.admin.key);
});

check('a key that is not known, or revoked', async ({ open }) => {
  const token = await api('admin', 'POST', '/api/tokens', { name: `for self ${Date.now()}`, scopes: [] });
  await api('admin', 'POST', `/api/tokens/${token.id}/revoke?wait=5000`);
  const view = await open('/self', { expect: ['/api/self'] });
  await show(view, token.key);
  await view.page.getByText('That key was revoked.').waitFor();
  await show(view, `ntk_${'0'.repeat(38)}`);
  await view.page.getByText(/That (key is not known|is not a key)\./).waitFor();
  await view.axe();
});

check('a key that was replaced says until when it works', async ({ open }) => {
  const token = await api('admin', 'POST', '/api/tokens', { name: `replaced ${Date.now()}`, scopes: ['orders'] });
  await api('admin', 'POST', `/api/tokens/${token.id}/rotate`, { grace_s: 3600 });
  const view = await open('/self', { viewport: 'phone', theme: 'dark' });
  await show(view, token.key);
  await view.page.getByText(/This key was replaced\. It still works until/).waitFor();
  await view.assertFits();
  await view.axe();
});

check('in Chinese, and for who is signed in as well', async ({ open }) => {
  const view = await open('/self', { as: 'viewer', language: 'zh-TW' });
  await view.page.getByRole('heading', { name: '我的金鑰' }).waitFor();
  await view.page.getByLabel('閘道金鑰').fill(site.tokens.caller.key);
  await view.page.getByRole('button', { name: '顯示' }).click();
  await view.page.getByText('caller').waitFor();
  await view.axe();
});
