import type { Me } from '@/api/types.ts';
import { Button } from '@/ui/Button.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { Link } from '@/ui/Link.tsx';
import { Menu } from '@/ui/Menu.tsx';
import { Taste } from '@/ui/Taste.tsx';
import { useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';
import { useSignOut } from './useSignOut.ts';

// Who reads, in which language and theme, and the way out.
export function Account({ me }: { me: Me }) {
  const { common } = useText();
  const signOut = useSignOut();
  const name = me.user.name ?? me.signed_in.subject ?? '';
  return (
    <Menu label={`${common.nav.account}: ${name}`} align="right" kind="quiet" face={<><span className="topbar-name">{name}</span><Icon name="down" /></>}>
      {(close) => (
        <div className="account-box">
          <p className="soft">{common.signIn.signedInAs(name)} ({common.signIn.role[me.role]})</p>
          <Taste />
          <span onClick={close}><Link className="button" href={hrefOf({ name: 'account' })}>{common.nav.account}</Link></span>
          <Button onClick={signOut}>{common.act.signOut}</Button>
        </div>
      )}
    </Menu>
  );
}
