// What a browser calls itself, as a reader would.
const BROWSERS: readonly (readonly [string, RegExp])[] = [
  ['Edge', /\bEdg(e|A|iOS)?\//], ['Opera', /\bOPR\//], ['Samsung Internet', /\bSamsungBrowser\//], ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /\b(HeadlessChrome|Chrome|Chromium|CriOS)\//], ['Safari', /\bSafari\//], ['curl', /^curl\//],
];
const SYSTEMS: readonly (readonly [string, RegExp])[] = [
  ['Android', /\bAndroid\b/], ['iOS', /\b(iPhone|iPad|iPod)\b/], ['Windows', /\bWindows\b/], ['macOS', /\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/], ['Linux', /\bLinux\b/],
];

const nameIn = (known: readonly (readonly [string, RegExp])[], agent: string): string | null =>
  known.find(([, sign]) => sign.test(agent))?.[0] ?? null;

export interface BrowserName { browser: string | null; system: string | null }

export const browserName = (agent: string | null): BrowserName =>
  ({ browser: nameIn(BROWSERS, agent ?? ''), system: nameIn(SYSTEMS, agent ?? '') });
