import type { Token, TokenAddresses } from '@/api/types.ts';
import { useNow } from '@/query/clock.ts';
import { useQuery } from '@/query/useQuery.ts';
import { Loaded } from '@/ui/Loaded.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { tokenAddressesOf } from './address.ts';
import { overlapOf } from './overlap.ts';

function Sentence({ token, addresses }: { token: Token; addresses: TokenAddresses }) {
  const { revoke: words } = useText().tokens;
  const format = useFormat();
  const now = useNow();
  const latest = addresses.items.reduce((at, i) => (i.last_used_at > at ? i.last_used_at : at), token.last_used_at ?? '');
  if (!latest)
    return <Notice kind="info">{words.never}</Notice>;
  const { all, calls } = overlapOf(addresses.items);
  const ago = format.ago(new Date(latest), now);
  return (
    <Notice kind={all > 0 ? 'warn' : 'info'} isSpoken={false}>
      {all > 0 ? words.used(ago, words.addresses(all, format.exact(all)), words.callsOf(calls, format.exact(calls))) : words.usedBefore(ago)}
    </Notice>
  );
}

// Whom the end of its key would hit.
export function UsedBy({ token }: { token: Token }) {
  const { usage } = useText();
  const addresses = useQuery<TokenAddresses>(tokenAddressesOf(token.id), `addresses ${token.id}`);
  return <Loaded of={addresses} what={usage.address} height={40}>{(a) => <Sentence token={token} addresses={a} />}</Loaded>;
}
