import { useQuery } from '@/query/useQuery.ts';
import { routesAddress } from '@/panels/tokens/address.ts';
import { pathsByScope } from '@/panels/tokens/snippets.ts';
import type { Routes } from '@/panels/tokens/snippets.ts';
import { Loaded } from '@/ui/Loaded.tsx';
import { MenuItems } from '@/ui/Menu.tsx';
import { useText } from '@/ui/reader.tsx';
import { useTokenList } from '@/url/useTokenList.ts';
import { FilterButton } from './FilterMenu.tsx';

function Scopes({ close }: { close: () => void }) {
  const { tokens: words } = useText();
  const [view, change] = useTokenList();
  const asked = useQuery<Routes>(routesAddress, 'routes');
  const all = (items: Routes['items']): (string | null)[] => [null, ...pathsByScope(items).flatMap((k) => k.scope ?? []), '*'];
  return (
    <Loaded of={asked} what={words.scopes} height={96}>
      {(s) => (
        <MenuItems close={close} items={all(s.items).map((scope) => (
          { label: scope ?? words.list.allScopes, isChosen: scope === view.scope, onClick: () => change({ scope }) }))} />
      )}
    </Loaded>
  );
}

export function ScopeMenu() {
  const { tokens: words } = useText();
  const [{ scope }] = useTokenList();
  return (
    <FilterButton label={words.scopes} chosen={scope ?? words.list.all} isSet={scope !== null}>{(close) => <Scopes close={close} />}</FilterButton>
  );
}
