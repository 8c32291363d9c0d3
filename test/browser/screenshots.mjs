// The pages that `make screenshots` takes pictures of (screenshots.py starts what they show).
import { call, site } from './lib/site.mjs';
import { launch } from './lib/chromium.mjs';
import { openContext } from './lib/context.mjs';
import { View } from './lib/view.mjs';

const THEMES = ['light', 'dark'];
const LANGUAGES = ['en-US', 'zh-TW'];

let created = 0;

async function createToken(view) {
  await view.page.locator('.page-head-acts .button-main').click();
  await view.page.locator('dialog input').first().fill(`n8n: invoices ${++created}`);
  await view.page.locator('dialog .choice input').first().check();
  await view.page.locator('dialog .button-main').click();
  await view.page.locator('.the-key').waitFor();
}

const openActs = (view) => view.page.locator('tbody .menu > button').first().click();

async function openRevoke(view) {
  await openActs(view);
  await view.page.locator('.menu-items li').nth(3).locator('button').click();
}

async function showOwn(view) {
  await view.page.locator('input[type=password]').fill(site.tokens.caller.key);
  await view.page.locator('.self-form .button-main').click();
  await view.page.locator('.self-facts').waitFor();
}

const CALLER = `/token-usage/${site.tokens.caller.id}`;

async function watchLive(view) {
  await view.page.getByRole('button', { name: 'Watch live' }).click();
  await view.page.getByText('Live', { exact: true }).waitFor();
  await makeCalls();
  await view.page.locator('.live-table tbody tr').nth(6).waitFor();
}

// {name, path, as (of site.people; null: nobody), viewport, base, everywhere: in both themes and languages,
//  before(view): what is done until it looks as it should}
const PAGES = [
  { name: 'dashboard', path: '/dashboard', everywhere: true },
  { name: 'usage-analytics', path: '/usage-analytics', everywhere: true },
  { name: 'token', path: `/token-usage/${site.shown['n8n: orders to warehouse']}`, everywhere: true },
  { name: 'route', path: '/route-usage?path=%2Fapi%2Fopenai', everywhere: true },
  { name: 'tokens', path: '/tokens' },
  { name: 'token-create', path: '/tokens', everywhere: true, fullPage: false,
    before: (view) => view.page.locator('.page-head-acts .button-main').click() },
  { name: 'token-key', path: '/tokens', everywhere: true, fullPage: false, before: createToken },
  { name: 'token-acts', path: '/tokens?sort=-last_used_at', everywhere: true, fullPage: false, before: openActs },
  { name: 'token-revoke', path: '/tokens?sort=-last_used_at', fullPage: false, before: openRevoke },
  { name: 'tokens-phone', path: '/tokens', viewport: 'phone', fullPage: false },
  { name: 'token-create-phone', path: '/tokens', viewport: 'phone', fullPage: false,
    before: (view) => view.page.locator('.page-head-acts .button-main').click() },
  { name: 'teams', path: '/teams' },
  { name: 'users', path: '/users' },
  { name: 'audit', path: '/audit' },
  { name: 'nodes', path: '/nodes' },
  { name: 'self', path: '/self', as: null, everywhere: true, before: showOwn },
  { name: 'sign-in', path: '/sign-in', as: null },
  { name: 'first-run', path: '/dashboard', as: site.empty.key, base: site.empty.url },
  { name: 'phone', path: '/usage-analytics', viewport: 'phone' },
  { name: 'phone-token', path: CALLER, viewport: 'phone' },
  { name: 'phone-live', path: '/dashboard', viewport: 'phone', before: watchLive },
  { name: 'live', path: '/dashboard', before: watchLive },
  { name: 'record', path: CALLER, fullPage: false, before: (view) => view.page.locator('tr th a time').first().click() },
  // What the READMEs show: docs/images.
  { name: 'readme', path: '/usage-analytics?range=7d&zone=Asia%2FTaipei', everywhere: true, fullPage: false, viewport: { width: 1280, height: 900 } },
  { name: 'readme-tokens', path: '/tokens?sort=-last_used_at', everywhere: true, fullPage: false, viewport: { width: 1280, height: 760 } },
];

// Somebody calls while pictures are taken, so that what is live has something to show.
async function makeCalls() {
  const calls = [['orders/1042'], ['orders/1043'], ['invoices?status=201', 'POST'], ['search?q=lamp&ms=120'], ['orders/77?status=404'],
    ['image-processing/resize?ms=300', 'POST'], ['webhooks?status=204', 'POST'], ['data-processing/run?status=503&ms=40', 'POST']];
  for (const [path, method = 'GET'] of calls)
    await call('caller', `/api/${path}`, { method });
}

async function take(browser, page, theme, language) {
  const { as = 'admin', base = site.url, viewport = 'desktop', fullPage = true } = page;
  const context = await openContext(browser, { as, base, theme, language, viewport, zone: 'Asia/Taipei' });
  const view = new View(await context.newPage(), base);
  await view.goto(page.path);
  await page.before?.(view);
  await view.settle();
  const name = `${page.name}-${theme}-${language}`;
  await view.shot(name, { fullPage });
  console.log(`build/screenshots/${name}.png${view.faults.map((f) => `\n  ${f}`).join('')}`);
  await context.close();
}

const wanted = (process.env.TOLLGATE_TEST_SHOTS ?? '').split(' ').filter(Boolean);
const pages = PAGES.filter((page) => wanted.length === 0 || wanted.includes(page.name));
const unknown = wanted.filter((name) => !PAGES.some((page) => page.name === name));
if (unknown.length > 0) {
  console.error(`no such page: ${unknown.join(', ')}; there are ${PAGES.map((page) => page.name).join(', ')}`);
  process.exit(2);
}
const browser = await launch();
await makeCalls();
for (const page of pages)
  for (const [i, theme] of THEMES.entries())
    for (const [j, language] of LANGUAGES.entries())
      if (page.everywhere || (i === 0 && j === 0))
        await take(browser, page, theme, language);
await browser.close();
