// Parts of the pages that are loaded when they are needed have names of their version. Where one is gone, the server
// is newer than the page, which is loaded anew: once, so that a server that lacks it does not make a circle of it, and
// not while nobody answers, which would end a page that works.
import { reload } from '@/url/place.ts';

const KEY = 'tollgate.reloaded';
const AGAIN_MS = 60_000;

// The page itself, where the reader is.
const answers = async (): Promise<boolean> => fetch('', { method: 'HEAD', cache: 'no-store' }).then((r) => r.ok, () => false);

let isLeaving = false; // several parts may be missing at once

export async function fresh<T>(loading: Promise<T>): Promise<T> {
  try {
    return await loading;
  } catch (e) {
    const isAgain = Date.now() - Number(window.sessionStorage.getItem(KEY) ?? 0) < AGAIN_MS;
    if (!isLeaving && (isAgain || !await answers()))
      throw e;
    if (!isLeaving) {
      isLeaving = true;
      window.sessionStorage.setItem(KEY, String(Date.now()));
      reload();
    }
    return new Promise(() => undefined);
  }
}
