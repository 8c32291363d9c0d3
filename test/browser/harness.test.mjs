// That these tests see what they are there to see.
import assert from 'node:assert/strict';
import { check } from './lib/suite.mjs';
import { call, control, eventually, site } from './lib/site.mjs';

check('faults of a page are found', async ({ open, gate }) => {
  const view = await open('/sign-in', { expect: ['/api/me'] });
  await view.page.evaluate(() => {
    console.error('broken');
    setTimeout(() => { throw new Error('thrown'); });
    void fetch('/api/no-such').catch(() => {});
    document.body.insertAdjacentHTML('beforeend', '<p style="color: red">');
    void fetch('http://elsewhere.example/').catch(() => {});
  });
  for (const fault of [/console error: broken/, /uncaught.*thrown/, /no-such: 404/, /refused by the policy: style-src/,
    /refused by the policy: connect-src/])
    await eventually(() => view.faults.some((f) => fault.test(f)), `${fault} is found`);
  assert.deepEqual(gate.strangers, []);
  await view.page.close();
  view.faults.length = 0;
});

check('a request that does leave is found', async ({ open, gate }) => {
  const view = await open('/sign-in', { expect: ['/api/me', 'elsewhere.example'] });
  await assert.rejects(() => view.page.goto('http://elsewhere.example/'), /HTTP_RESPONSE_CODE_FAILURE/);
  assert.deepEqual(gate.strangers.splice(0), ['http://elsewhere.example/']);
});

check('axe finds what it should', async ({ open }) => {
  const view = await open('/sign-in', { expect: ['/api/me'] });
  await view.page.evaluate(() => { document.body.innerHTML = '<main><h1>x</h1><img src="data:,"><button></button></main>'; });
  await assert.rejects(() => view.axe(), /image-alt[\s\S]*button-name|button-name[\s\S]*image-alt/);
});

check('a secret is found where it should not be', async ({ open }) => {
  const view = await open('/sign-in', { expect: ['/api/me'] });
  await view.assertNowhere('ntk_secret');
  await view.page.evaluate(() => localStorage.setItem('x', 'ntk_secret'));
  await assert.rejects(() => view.assertNowhere('ntk_secret'), /stands in local/);
});

check('what sticks out is found', async ({ open }) => {
  const view = await open('/sign-in', { viewport: 'phone', expect: ['/api/me'] });
  await view.page.evaluate(() => {
    const wide = document.createElement('p');
    wide.style.width = '900px';
    wide.style.height = '10px';
    document.body.append(wide);
  });
  await assert.rejects(() => view.assertFits(), /wider than/);
});

check('people, calls and the other side are there', async ({ open }) => {
  const view = await open('/dashboard', { as: 'admin', language: 'zh-TW', theme: 'dark', zone: 'Asia/Kolkata' });
  const me = await view.page.evaluate(async () => (await fetch('/api/me')).json());
  assert.equal(me.user?.id ?? me.id, site.people.admin.id);
  assert.deepEqual(await view.page.evaluate(() => [navigator.language, matchMedia('(prefers-color-scheme: dark)').matches,
    Intl.DateTimeFormat().resolvedOptions().timeZone]), ['zh-TW', true, 'Asia/Calcutta']);
  assert.equal(await call('caller', '/api/orders/7'), 200);
  assert.equal(await call('caller', '/api/orders/7?status=503'), 503);
  assert.ok((await control('sql', { statement: 'SELECT count(*) AS n FROM token_usage_logs' }))[0].n > 1000);
  assert.equal((await control('sql_empty', { statement: 'SELECT count(*) AS n FROM token_usage_logs' }))[0].n, 0);
  assert.ok(view.apiCalls().includes('/api/me'));
});
