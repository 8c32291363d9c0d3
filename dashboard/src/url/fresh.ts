// Parts of the pages that are loaded when they are needed have names of their version. Where one is gone, the server
// is newer than the page, which is loaded anew: once, so that a server that lacks it does not make a circle of it.
const KEY = 'tollgate.reloaded';
const AGAIN_MS = 60_000;

export async function fresh<T>(loading: Promise<T>): Promise<T> {
  try {
    return await loading;
  } catch (e) {
    if (Date.now() - Number(window.sessionStorage.getItem(KEY) ?? 0) < AGAIN_MS)
      throw e;
    window.sessionStorage.setItem(KEY, String(Date.now()));
    window.location.reload();
    return new Promise(() => undefined);
  }
}
