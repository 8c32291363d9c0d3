import type { Me } from '@/api/types.ts';
import { LANGUAGES } from '@/text/language.ts';
import { signOut } from '@/query/session.ts';
import { Button } from '@/ui/Button.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { Link } from '@/ui/Link.tsx';
import { Menu } from '@/ui/Menu.tsx';
import { Select } from '@/ui/Select.tsx';
import { useReader } from '@/ui/reader.tsx';
import type { Theme } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';

const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

// Who reads, in which language and theme, and the way out.
export function Account({ me }: { me: Me }) {
  const { texts, language, theme, setLanguage, setTheme } = useReader();
  const { common } = texts;
  const name = me.user.name ?? me.signed_in.subject ?? '';
  return (
    <Menu label={`${common.nav.account}: ${name}`} align="right" kind="quiet" face={<><span className="topbar-name">{name}</span><Icon name="down" /></>}>
      {(close) => (
        <div className="account-box">
          <p className="soft">{common.signIn.signedInAs(name)} ({common.signIn.role[me.role]})</p>
          <Select label={common.theme.label} value={theme} onChange={setTheme} options={THEMES.map((t) => ({ value: t, label: common.theme[t] }))} />
          <Select label={common.language.label} value={language} onChange={setLanguage} options={LANGUAGES.map((l) => ({ value: l, label: common.language[l] }))} />
          <span onClick={close}><Link className="button" href={hrefOf({ name: 'account' })}>{common.nav.account}</Link></span>
          <Button onClick={() => void signOut(false)}>{common.act.signOut}</Button>
        </div>
      )}
    </Menu>
  );
}
