import { useState } from 'react';
import type { Token } from '@/api/types.ts';
import { Icon } from '@/ui/Icon.tsx';
import { Menu, MenuItems } from '@/ui/Menu.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { refreshTokens } from './address.ts';
import { DeleteToken } from './DeleteToken.tsx';
import { EditToken } from './EditToken.tsx';
import { isOver, mayActOn } from './may.ts';
import { RevokeToken } from './RevokeToken.tsx';
import { RotateToken } from './RotateToken.tsx';
import { useSwitch } from './useSwitch.ts';

interface Props { token: Token; onChanged: () => void }
const DIALOGS = { edit: EditToken, rotate: RotateToken, revoke: RevokeToken, remove: DeleteToken } as const;

// All that can be done with a token, as a menu; nothing for who may only look.
export function TokenActs({ token, onChanged }: Props) {
  const me = useSignedIn();
  const { tokens: words, common } = useText();
  const [open, setOpen] = useState<keyof typeof DIALOGS | null>(null);
  const set = useSwitch(token, onChanged);
  if (!mayActOn(me, token) || token.state === 'deleted')
    return null;
  const toggle = token.disabled_at === null
    ? { label: words.disable.act, onClick: () => set(false) } : { label: words.disable.enable, onClick: () => set(true) };
  const items = [
    ...(isOver(token) ? [] : [
      { label: common.act.edit, onClick: () => setOpen('edit') }, toggle,
      { label: words.rotate.act, onClick: () => setOpen('rotate') }, { label: words.revoke.act, onClick: () => setOpen('revoke') },
    ]),
    { label: words.remove.act, onClick: () => setOpen('remove') },
  ];
  const changed = (): void => { refreshTokens(); onChanged(); };
  const Opened = open === null ? null : DIALOGS[open];
  return (
    <>
      <Menu label={words.acts(token.name)} face={<Icon name="more" />} align="right" kind="quiet" floats>
        {(close) => <MenuItems items={items} close={close} />}
      </Menu>
      {Opened && <Opened token={token} onChanged={changed} onClose={() => setOpen(null)} />}
    </>
  );
}
