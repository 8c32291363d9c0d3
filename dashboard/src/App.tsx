import './App.css';
import { useSession } from '@/query/session.ts';
import { prefetchMe, useMe } from '@/query/useMe.ts';
import MissingPage from '@/pages/missing/MissingPage.tsx';
import { NoRole } from '@/shell/NoRole.tsx';
import { Nav } from '@/shell/Nav.tsx';
import { TopBar } from '@/shell/TopBar.tsx';
import { Broken } from '@/ui/Broken.tsx';
import { lazily } from '@/ui/lazily.tsx';
import type { Lazy } from '@/ui/lazily.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { MeContext } from '@/ui/me.ts';
import { Notice } from '@/ui/Notice.tsx';
import { Skeleton } from '@/ui/Skeleton.tsx';
import { Toasts } from '@/ui/Toasts.tsx';
import { useText } from '@/ui/reader.tsx';
import { pageOf } from '@/url/pages.ts';
import type { Page, PageName } from '@/url/pages.ts';
import { usePlace } from '@/url/usePlace.ts';
import type { Me } from '@/api/types.ts';

const usage = async () => (await import('@/groups/usage.ts')).USAGE;
const people = async () => (await import('@/groups/people.ts')).PEOPLE;
const SignInPage = lazily(async () => (await import('@/pages/signIn/SignInPage.tsx')).default);
const SelfPage = lazily(async () => (await import('@/pages/self/SelfPage.tsx')).default);
const PAGES: Partial<Record<PageName, Lazy<object>>> = {
  signIn: SignInPage,
  self: SelfPage,
  dashboard: lazily(async () => (await usage()).dashboard),
  analytics: lazily(async () => (await usage()).analytics),
  token: lazily(async () => (await usage()).token),
  route: lazily(async () => (await usage()).route),
  account: lazily(async () => (await people()).account),
  audit: lazily(async () => (await people()).audit),
  nodes: lazily(async () => (await people()).nodes),
  team: lazily(async () => (await people()).team),
  teams: lazily(async () => (await people()).teams),
  user: lazily(async () => (await people()).user),
  users: lazily(async () => (await people()).users),
  tokens: lazily(async () => (await import('@/pages/tokens/TokensPage.tsx')).default),
};

// The page, and who asks: both at once. Resolves when the page can be drawn.
export async function preload(page: Page): Promise<void> {
  if (page.name !== 'signIn' && page.name !== 'self')
    prefetchMe();
  await PAGES[page.name]?.load().catch(() => undefined); // who draws it hears of it
}

function PageOf({ page }: { page: Page }) {
  const { common } = useText();
  const Found = PAGES[page.name] ?? MissingPage;
  return (
    <Broken resetKey={JSON.stringify(page)}>
      <Found key={JSON.stringify(page)} waiting={<Skeleton height={400} what={common.nav.label} />} />
    </Broken>
  );
}

function Shell({ me, page }: { me: Me; page: Page }) {
  const { common } = useText();
  return (
    <MeContext.Provider value={me}>
      <a className="skip" href="#main">{common.skip}</a>
      <div className="app">
        <Nav me={me} page={page} />
        <div className="app-side">
          <TopBar me={me} />
          {me.is_stale && <Notice kind="warn">{common.state.databaseAway}</Notice>}
          <main id="main" className="app-main" tabIndex={-1}><PageOf page={page} /></main>
        </div>
      </div>
    </MeContext.Provider>
  );
}

function SignedIn({ page }: { page: Page }) {
  const me = useMe();
  const { common } = useText();
  if (me.state === 'failed' && me.problem.status === 401)
    return <SignInPage />;
  return (
    <Loaded of={me} what={common.nav.account} height={400}>
      {(m) => (m.role === 'none' && !m.sees_all ? <NoRole me={m} /> : <Shell me={m} page={page} />)}
    </Loaded>
  );
}

export function App() {
  const { path, search } = usePlace();
  const page = pageOf(path, search);
  const session = useSession();
  return (
    <>
      <Broken resetKey={path + search}>
        {page.name === 'signIn' ? <SignInPage /> : page.name === 'self' ? <SelfPage /> : <SignedIn key={session} page={page} />}
      </Broken>
      <Toasts />
    </>
  );
}
