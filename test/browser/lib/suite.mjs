// One Chromium for all tests of a file: check('name', async ({ open }) => { ... }).
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from './chromium.mjs';
import { Gate } from './gate.mjs';
import { openContext } from './context.mjs';
import { site } from './site.mjs';
import { View } from './view.mjs';

const FAILED = fileURLToPath(new URL('../../../build/browser-failures/', import.meta.url));

export const gate = new Gate([site.url, site.empty?.url, site.first?.url, site.issuer, ...(process.env.TOLLGATE_TEST_ORIGINS ?? '').split(' ')]);
let browser;

before(async () => {
  await gate.open();
  browser = await launch(gate.url);
});

after(async () => {
  await browser?.close();
  await gate.close();
});

async function watchPolicy(page, view) {
  await page.exposeFunction('__violation', (text) => view.onViolation(text));
  await page.addInitScript(() => document.addEventListener('securitypolicyviolation', (e) =>
    window.__violation(`${e.effectiveDirective}: ${e.blockedURI} at ${e.sourceFile}:${e.lineNumber} ${e.sample}`)));
}

class Views {
  all = [];
  contexts = new Set();

  // open('/tokens', {as: 'admin', language: 'zh-TW', theme: 'dark', viewport: 'phone', zone: 'Asia/Kolkata',
  //   storage: {...}, base: site.empty.url, fresh: true, beside: view, expect: [...]})
  // as: a name of site.people, or a key; without it nobody is signed in. fresh: by a session that no other test has.
  // beside: another tab of that view's browser.
  open = async (path, { as, base = site.url, fresh = false, language = 'en-US', theme = 'light', viewport = 'desktop',
    zone = 'UTC', storage, beside, expect = [], before } = {}) => {
    const context = beside?.page.context() ?? await openContext(browser, { as, base, fresh, language, theme, viewport, zone, storage });
    this.contexts.add(context);
    const page = await context.newPage();
    const view = new View(page, base);
    this.all.push(view);
    await watchPolicy(page, view);
    view.expect(...expect);
    await before?.(view);
    await view.goto(path);
    return view;
  };

  judge(strangers) {
    assert.deepEqual(strangers, [], 'requests to other hosts');
    for (const view of this.all)
      assert.deepEqual(view.faults, [], `faults on ${view.page.url()}`);
  }

  async tell(name, error) {
    mkdirSync(FAILED, { recursive: true });
    const file = `${FAILED}${name.replace(/[^\w]+/g, '-').slice(0, 80)}`;
    const texts = [];
    for (const [i, view] of this.all.entries()) {
      await view.page.screenshot({ path: `${file}-${i}.png` }).catch(() => {});
      texts.push(`${await view.describe()}\n  picture: ${file}-${i}.png`);
    }
    error.message = `${error.message}\n\n${texts.join('\n')}`;
    error.stack = `${error.message}\n${(error.stack ?? '').split('\n').filter((l) => /^\s+at .*test\/browser/.test(l)).join('\n')}`;
  }

  async close() {
    for (const context of this.contexts)
      await context.close().catch(() => {});
  }
}

// A test; at its end each view that it opened must be without faults. options: node:test's.
export function check(name, options, body) {
  if (body === undefined)
    return check(name, {}, options);
  return test(name, { timeout: 120_000, ...options }, async (t) => {
    const views = new Views();
    const strangers = gate.strangers.length;
    try {
      await body({ open: views.open, gate, t });
      views.judge(gate.strangers.slice(strangers));
    } catch (error) {
      await views.tell(name, error);
      throw error;
    } finally {
      await views.close();
    }
  });
}
