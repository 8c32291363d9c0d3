import './Nav.css';
import { useState } from 'react';
import type { Me } from '@/api/types.ts';
import { Icon } from '@/ui/Icon.tsx';
import { Link } from '@/ui/Link.tsx';
import { useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';
import type { Page, PageName } from '@/url/pages.ts';

type Plain = 'dashboard' | 'analytics' | 'tokens' | 'teams' | 'users' | 'audit' | 'nodes' | 'account';
// A page stands under the one that leads to it.
const UNDER: Partial<Record<PageName, Plain>> = { token: 'tokens', route: 'analytics', team: 'teams', user: 'users' };

// A viewer opens every page that has something for them.
function pagesFor(me: Me): Plain[] {
  const managing: Plain[] = me.may.manage ? ['users', 'audit'] : [];
  return ['dashboard', 'analytics', 'tokens', 'teams', ...managing, 'nodes'];
}

export function Nav({ me, page }: { me: Me; page: Page }) {
  const { nav, product } = useText().common;
  const [isOpen, setOpen] = useState(false);
  const current = UNDER[page.name] ?? page.name;
  return (
    <nav className="nav" aria-label={nav.label}>
      <div className="nav-fixed">
        <div className="nav-head">
          <Link className="nav-name" href={hrefOf({ name: 'dashboard' })}>
            <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" fill="#1f56ee" />
              <path d="M7 25V9h4v16zm14 0V9h4v16z" fill="#fff" /><path d="M9 12.5l14-5v3l-14 5z" fill="#f1954e" /></svg>
            {product}
          </Link>
          <button type="button" className="button button-quiet nav-open" aria-expanded={isOpen} aria-label={nav.open}
            onClick={() => setOpen(!isOpen)}><Icon name={isOpen ? 'close' : 'menu'} /></button>
        </div>
        <ul className={isOpen ? 'nav-list nav-list-open' : 'nav-list'} onClick={() => setOpen(false)}>
          {pagesFor(me).map((name) => (
            <li key={name}><Link className="nav-link" href={hrefOf({ name })} current={current === name}>{nav[name]}</Link></li>
          ))}
        </ul>
      </div>
    </nav>
  );
}
