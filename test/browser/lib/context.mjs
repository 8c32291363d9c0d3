// A browser of its own: cookies, storage, language, theme, size, time zone.
import { sessionCookie, site } from './site.mjs';
import { VIEWPORTS } from './view.mjs';

const PATIENCE_MS = 30_000;
const cookies = new Map();

async function cookieOf(person, base, fresh) {
  const id = `${base} ${person}`;
  if (fresh || !cookies.has(id)) {
    const cookie = await sessionCookie(person, base);
    if (fresh)
      return cookie;
    cookies.set(id, cookie);
  }
  return cookies.get(id);
}

// as: a name of site.people, or a key; without it nobody is signed in.
export async function openContext(browser, { as, base = site.url, fresh, language, theme, viewport, zone, storage }) {
  const size = typeof viewport === 'string' ? VIEWPORTS[viewport] : viewport;
  const context = await browser.newContext({
    locale: language, colorScheme: theme, viewport: size, timezoneId: zone, reducedMotion: 'reduce',
    ...(size.width < 500 && { isMobile: true, hasTouch: true, deviceScaleFactor: 2 }),
  });
  context.setDefaultTimeout(PATIENCE_MS);
  if (as)
    await context.addCookies([await cookieOf(as, base, fresh)]);
  if (storage)
    await context.addInitScript((items) => {
      for (const [name, value] of Object.entries(items))
        if (localStorage.getItem(name) === null)
          localStorage.setItem(name, value);
    }, storage);
  return context;
}
