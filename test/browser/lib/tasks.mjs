// How long tasks of a page's own thread are: the processor's time, which others on the machine do not lengthen.
const CATEGORIES = ['disabled-by-default-devtools.timeline', 'devtools.timeline', 'toplevel'];

// Begins; the returned function ends it, and tells {longest (ms), count}.
export async function watchTasks(view) {
  const browser = view.page.context().browser();
  await browser.startTracing(view.page, { categories: CATEGORIES });
  return async () => {
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
    const threads = new Set(traceEvents.filter((e) => e.name === 'thread_name' && e.args.name === 'CrRendererMain')
      .map((e) => `${e.pid} ${e.tid}`));
    const tasks = traceEvents.filter((e) => /RunTask$/.test(e.name) && e.tdur !== undefined && threads.has(`${e.pid} ${e.tid}`))
      .map((e) => e.tdur / 1000);
    return { longest: tasks.reduce((most, ms) => Math.max(most, ms), 0), count: tasks.length };
  };
}
