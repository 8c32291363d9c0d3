// Looks at the live feed in a browser while calls go on; a line of JSON, a member for each rate.
import { launch } from '../browser/lib/chromium.mjs';
import { openContext } from '../browser/lib/context.mjs';
import { flood } from '../browser/lib/flood.mjs';
import { site } from '../browser/lib/site.mjs';
import { View } from '../browser/lib/view.mjs';

const SETTLED = 0.2; // of the time: what is loaded once is no growth

async function heapMb(cdp) {
  await cdp.send('HeapProfiler.collectGarbage');
  return (await cdp.send('Runtime.getHeapUsage')).usedSize / 1e6;
}

// Whether rows that are missing were told of while work() went on.
async function watchDrops(view, work) {
  let isOver = false;
  const told = (async () => {
    let found = false;
    for (; !isOver; await view.page.waitForTimeout(250))
      found ||= await view.page.getByText(/came here and are not shown/).count() > 0;
    return found;
  })();
  const done = await work();
  isOver = true;
  return [done, await told];
}

async function look({ perSecond, seconds }) {
  const browser = await launch();
  try {
    const context = await openContext(browser, { as: 'admin', language: 'en-US', theme: 'light', viewport: 'desktop', zone: 'UTC',
      storage: { 'tollgate.live': 'on' } });
    await context.addInitScript(() => {
      window.longest = 0;
      new PerformanceObserver((l) => {
        for (const e of l.getEntries())
          window.longest = Math.max(window.longest, e.duration);
      }).observe({ type: 'longtask' });
    });
    const view = new View(await context.newPage(), site.url);
    await view.goto('/dashboard');
    await view.page.getByText('Live', { exact: true }).first().waitFor();
    await view.settle();
    const cdp = await context.newCDPSession(view.page);
    await cdp.send('Runtime.enable');
    await view.page.evaluate(() => { window.longest = 0; });
    const path = '/api/test/bytes/100';
    let calls = await flood({ perSecond, seconds: seconds * SETTLED, path });
    const longestBefore = await view.page.evaluate(() => window.longest);
    const before = await heapMb(cdp);
    await view.page.evaluate(() => { window.longest = 0; }); // collecting all garbage is no doing of the page's
    const [more, isToldOfDrops] = await watchDrops(view, () => flood({ perSecond, seconds: seconds * (1 - SETTLED), path }));
    calls += more;
    const longest = Math.max(longestBefore, await view.page.evaluate(() => window.longest));
    const after = await heapMb(cdp);
    const seen = Number((await view.page.getByText(/ so far$/).innerText()).replace(/\D/g, ''));
    if (view.faults.length > 0)
      throw new Error(view.faults.join('\n'));
    return { per_second: perSecond, seconds, calls, seen, told_of_drops: isToldOfDrops, longest_task_ms: Math.round(longest),
      heap_mb: after, grown_mb: after - before };
  } finally {
    await browser.close();
  }
}

const looks = [];
for (const one of JSON.parse(process.env.TOLLGATE_TEST_RATES))
  looks.push(await look(one));
console.log(JSON.stringify(looks));
