// Debian's Chromium, driven by the pages' own playwright-core.
import { createRequire } from 'node:module';

export const dashboard = createRequire(new URL('../../../dashboard/package.json', import.meta.url));

const { chromium } = dashboard('playwright-core');

const ARGUMENTS = [
  '--no-sandbox', // tests run as root
  '--disable-dev-shm-usage',
  '--force-prefers-reduced-motion', // pictures are of what comes to rest
  '--font-render-hinting=none',
];

// proxy: where all requests go, also those to this machine; without one names are not even looked up.
export function launch(proxy) {
  return chromium.launch({
    executablePath: process.env.TOLLGATE_TEST_CHROMIUM ?? '/usr/bin/chromium',
    args: [...ARGUMENTS, ...(proxy ? [] : ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost'])],
    ...(proxy && { proxy: { server: proxy, bypass: '<-loopback>' } }),
  });
}
