import './TopBar.css';
import { useState } from 'react';
import type { Me } from '@/api/types.ts';
import { Button } from '@/ui/Button.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { useText } from '@/ui/reader.tsx';
import { lazily } from '@/ui/lazily.tsx';
import { useKeys } from '@/ui/useKeys.ts';
import { Account } from './Account.tsx';

const Search = lazily(async () => (await import('./Search.tsx')).Search);
const KeysHelp = lazily(async () => (await import('./KeysHelp.tsx')).KeysHelp);
type Open = 'search' | 'keys' | null;

export function TopBar({ me }: { me: Me }) {
  const { common } = useText();
  const [open, setOpen] = useState<Open>(null);
  useKeys({ '/': () => setOpen('search'), '?': () => setOpen('keys') });
  return (
    <header className="topbar">
      <button type="button" className="topbar-search" onClick={() => setOpen('search')} aria-keyshortcuts="/">
        <Icon name="search" /><span>{common.search.label}</span><kbd>/</kbd>
      </button>
      <Button kind="quiet" label={common.keys.title} onClick={() => setOpen('keys')}>?</Button>
      <Account me={me} />
      {open === 'search' && <Search onClose={() => setOpen(null)} />}
      {open === 'keys' && <KeysHelp onClose={() => setOpen(null)} />}
    </header>
  );
}
