// A page in a browser of its own (cookies, storage, language), and all that went wrong in it.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { axe } from './axe.mjs';

const SHOTS = fileURLToPath(new URL('../../../build/screenshots/', import.meta.url));

export const VIEWPORTS = {
  wide: { width: 1920, height: 1080 },
  desktop: { width: 1280, height: 800 },
  tablet: { width: 800, height: 1100 },
  phone: { width: 390, height: 844 },
};

const BESIDE = ['/api/me', '/api/live']; // what a view may ask for beside its two

// A SharedWorker's script is told as asked for, and never as there.
const SHARED_WORKER = /\/assets\/stream-worker-\w+\.js$/;

const matches = (patterns, text) => patterns.some((p) => (p instanceof RegExp ? p.test(text) : text.includes(p)));

export class View {
  // Console lines, requests with their bodies, and faults so far.
  lines = [];
  sent = [];
  faults = [];
  #expected = [];
  #rules = null; // {fits, answer}: of requests that get something else
  #open = new Set(); // requests without an answer yet
  #changed = performance.now();

  constructor(page, base) {
    this.page = page;
    this.base = base;
    page.on('console', (message) => this.#onConsole(message));
    page.on('pageerror', (error) => this.#fault(`uncaught: ${error.stack ?? error}`, error.message));
    page.on('request', (request) => this.#onRequest(request));
    page.on('requestfailed', (request) => this.#onFailed(request));
    page.on('requestfinished', (request) => this.#onEnd(request));
    page.on('response', (response) => this.#onResponse(response));
  }

  #fault(text, about) {
    if (!matches(this.#expected, about))
      this.faults.push(text);
  }

  #onConsole(message) {
    const { url } = message.location();
    const text = `console ${message.type()}: ${message.text()}${url ? ` (${url})` : ''}`;
    this.lines.push(text);
    // A refused answer is told here as well; #onResponse tells it better.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      this.#fault(text, text);
  }

  #onRequest(request) {
    const url = request.url();
    if (!SHARED_WORKER.test(url))
      this.#open.add(request);
    this.sent.push({ method: request.method(), url, body: request.postData(), type: request.resourceType() });
    if (!/^(data|blob):/.test(url) && !url.startsWith(this.base + '/'))
      this.#fault(`a request to another host: ${url}`, url);
  }

  // What the page gave up by itself is no fault of anybody.
  #onFailed(request) {
    this.#onEnd(request);
    const why = request.failure()?.errorText ?? '';
    if (why !== 'net::ERR_ABORTED')
      this.#fault(`${request.method()} ${request.url()} failed: ${why}`, request.url());
  }

  #onEnd(request) {
    this.#open.delete(request);
    this.#changed = performance.now();
  }

  #onResponse(response) {
    if (response.headers()['content-type'] === 'text/event-stream')
      this.#onEnd(response.request());
    if (response.status() >= 400)
      this.#fault(`${response.request().method()} ${response.url()}: ${response.status()}`, response.url());
  }

  onViolation(text) {
    this.#fault(`refused by the policy: ${text}`, text);
  }

  // Faults whose address or text has this (a string or RegExp) are what the test wants to see.
  expect(...patterns) {
    this.#expected.push(...patterns);
  }

  // --- going somewhere ---

  async goto(path) {
    this.sent.length = 0;
    await this.page.goto(this.base + path);
  }

  // Paths of the API's calls since the last goto, with their queries.
  apiCalls() {
    return this.sent.map((r) => r.url.slice(this.base.length)).filter((path) => path.startsWith('/api/'));
  }

  // Those that count for "at most 2 a view".
  countedCalls() {
    return this.apiCalls().filter((path) => !BESIDE.includes(path.split('?')[0]));
  }

  // --- an API that is not as it should be ---

  // The latest rule that fits(url, method) answers(route); what none fits goes on. Once there was one, requests are looked at for as long as the
  // page lives: what is asked for while that is switched on or off can pass by.
  async rule(fits, answer) {
    if (this.#rules === null) {
      this.#rules = [];
      await this.page.route(() => true, (route) => {
        const request = route.request();
        const rule = this.#rules.findLast((r) => r.fits(new URL(request.url()), request.method()));
        return rule ? rule.answer(route) : route.continue().catch(() => {}); // the page has left
      });
    }
    this.#rules.push({ fits, answer });
  }

  // api('/api/usage/stats', {status: 503, code: 'database_unavailable'}): a problem of the manager's.
  async refuse(path, { status = 503, code = 'database_unavailable', title = 'The database does not answer',
    detail = 'made up by a test', retryAfter } = {}) {
    this.expect(path);
    await this.rule((url) => url.pathname === path, (route) => route.fulfill({
      status,
      headers: { 'content-type': 'application/json', 'tollgate-request-id': '019a9b3c-7f12-7c55-9d0e-3a7be1c2f605',
        ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) },
      body: JSON.stringify({ type: `urn:tollgate:problem:${code}`, status, code, title, detail,
        instance: 'urn:uuid:019a9b3c-7f12-7c55-9d0e-3a7be1c2f605', error: { message: title, type: 'api_error', code } }),
    }));
  }

  // path: one, or a RegExp; method: that alone.
  async breakOff(path, method) {
    this.expect(path);
    await this.rule((url, asked) => (path instanceof RegExp ? path.test(url.pathname) : url.pathname === path)
      && (method ?? asked) === asked, (route) => route.abort('connectionreset'));
  }

  // Answers come when the returned function is called.
  async hold(path) {
    let release;
    const released = new Promise((resolve) => { release = resolve; });
    await this.rule((url) => url.pathname === path, async (route) => {
      await released;
      await route.continue().catch(() => {}); // the page has left
    });
    return release;
  }

  // The answer's JSON, changed by edit(json) before the page sees it.
  async change(path, edit) {
    await this.rule((url) => url.pathname === path, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: edit(await answer.json()) });
    });
  }

  async mend() {
    this.#rules?.splice(0);
  }

  // --- looking ---

  // Until nothing is loaded or moved any more: no request but streams, nothing busy, fonts there. What has just been
  // done had two frames to begin something.
  async settle({ quietMs = 300 } = {}) {
    await this.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const isQuiet = () => this.#open.size === 0 && performance.now() - this.#changed > quietMs;
    for (;;) {
      await this.page.waitForFunction(() => document.fonts.status === 'loaded' && !document.querySelector('.skeleton, [aria-busy="true"]'));
      if (isQuiet())
        return;
      await this.page.waitForTimeout(20);
    }
  }

  async axe(options) {
    const found = await axe(this.page, options);
    assert.equal(found, '', `axe on ${this.page.url()}:\n${found}`);
  }

  // build/screenshots/NAME.png
  async shot(name, { fullPage = true } = {}) {
    mkdirSync(SHOTS, { recursive: true });
    await this.page.screenshot({ path: `${SHOTS}${name}.png`, fullPage, animations: 'disabled', caret: 'hide' });
  }

  // That nothing sticks out at the side.
  async assertFits() {
    const over = await this.page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth <= width)
        return [];
      return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > width + 1)
        .slice(-5).map((e) => e.outerHTML.slice(0, 120));
    });
    assert.deepEqual(over, [], `wider than ${JSON.stringify(this.page.viewportSize())}: ${this.page.url()}`);
  }

  // Everywhere that a secret must not be: addresses, history's state, storage, and what was sent.
  async assertNowhere(secret) {
    const places = await this.page.evaluate(() => ({
      address: location.href, state: history.state, title: document.title,
      local: { ...localStorage }, session: { ...sessionStorage }, cookie: document.cookie,
    }));
    for (const [place, value] of Object.entries(places))
      assert.ok(!JSON.stringify(value ?? null).includes(secret), `the secret stands in ${place}: ${JSON.stringify(value)}`);
    for (const r of this.sent)
      assert.ok(!decodeURIComponent(r.url).includes(secret) && !(r.body ?? '').includes(secret),
        `the secret was sent: ${r.method} ${r.url}`);
    assert.ok(!this.lines.join('\n').includes(secret), 'the secret stands in the console');
  }

  // For who reads a failure.
  async describe() {
    const text = await this.page.evaluate(() => document.body?.innerText ?? '').catch(() => '(the page is gone)');
    return [`page ${this.page.url()}`, ...this.faults.map((f) => `  fault: ${f}`),
      ...this.lines.slice(-15).map((l) => `  ${l}`),
      ...this.sent.filter((r) => r.type === 'fetch').slice(-15).map((r) => `  ${r.method} ${r.url}`),
      '  it shows:', ...text.slice(0, 2500).split('\n').map((l) => `  | ${l}`)].join('\n');
  }
}
