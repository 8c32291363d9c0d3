// Opens /usage-analytics in one new browser after the other; a line of JSON, a member a look.
import { launch } from '../browser/lib/chromium.mjs';
import { openContext } from '../browser/lib/context.mjs';
import { site } from '../browser/lib/site.mjs';
import { View } from '../browser/lib/view.mjs';

// In the page: notes when, at a frame's beginning, all charts were there and no place holder was, and goes on
// looking for as long as that changes.
function watchCharts() {
  window.drawnAt = null;
  const isDrawn = () => {
    const figures = [...document.querySelectorAll('main figure')];
    return figures.length > 0 && !document.querySelector('.skeleton, [aria-busy="true"]')
      && figures.every((f) => f.querySelector('svg.recharts-surface :is(path, rect, circle)') ?? f.querySelector('table'));
  };
  const look = () => {
    if (!isDrawn())
      window.drawnAt = null;
    else
      window.drawnAt ??= performance.now();
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

// When what had come: all of the scripts, the API's answers; and when all was drawn.
function tell() {
  const loaded = performance.getEntriesByType('resource');
  const scripts = loaded.filter((r) => r.name.endsWith('.js'));
  const answers = loaded.filter((r) => new URL(r.name).pathname.startsWith('/api/usage/'));
  const last = (entries) => Math.round(Math.max(0, ...entries.map((r) => r.responseEnd)));
  return {
    drawn_ms: Math.round(window.drawnAt), scripts_ms: last(scripts), answers_ms: last(answers),
    answer_took_ms: Math.round(Math.max(0, ...answers.map((r) => r.duration))),
    script_kb: scripts.reduce((sum, r) => sum + r.encodedBodySize, 0) / 1000,
  };
}

async function look() {
  const browser = await launch();
  try {
    const context = await openContext(browser, { as: 'admin', language: 'en-US', theme: 'light', viewport: 'desktop', zone: 'UTC' });
    await context.addInitScript(watchCharts);
    const view = new View(await context.newPage(), site.url);
    await view.goto('/usage-analytics');
    await view.page.waitForFunction(() => window.drawnAt !== null, undefined, { timeout: 30_000 });
    await view.settle();
    if (view.faults.length > 0)
      throw new Error(view.faults.join('\n'));
    return { ...await view.page.evaluate(tell), calls: view.countedCalls().length };
  } finally {
    await browser.close();
  }
}

const looks = [];
for (let n = 0; n < Number(process.env.TOLLGATE_TEST_TIMES); n++)
  looks.push(await look());
console.log(JSON.stringify(looks));
