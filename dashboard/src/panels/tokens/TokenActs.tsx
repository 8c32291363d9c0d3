import { useState } from 'react';
import type { Token } from '@/api/types.ts';
import { Icon } from '@/ui/Icon.tsx';
import { Menu, MenuItems } from '@/ui/Menu.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { refreshTokens } from './address.ts';
import { DIALOGS } from './dialogs.ts';
import { isOver, mayActOn } from './may.ts';
import { useSwitch } from './useSwitch.ts';

// onChanged: where more than tokens is to be asked anew.
interface Props { token: Token; onChanged?: () => void }

// All that can be done with a token, as a menu; nothing for who may only look.
export function TokenActs({ token, onChanged }: Props) {
  const me = useSignedIn();
  const { tokens: words, common } = useText();
  const [open, setOpen] = useState<keyof typeof DIALOGS | null>(null);
  const changed = (): void => { refreshTokens(); onChanged?.(); };
  const set = useSwitch(token, changed);
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
  const Opened = open === null ? null : DIALOGS[open];
  return (
    <>
      <Menu label={words.acts(token.name)} face={<Icon name="more" />} align="right" kind="quiet" floats>
        {(close) => <MenuItems items={items} close={close} />}
      </Menu>
      {Opened && <Opened key={open} token={token} onChanged={changed} onClose={() => setOpen(null)} />}
    </>
  );
}
