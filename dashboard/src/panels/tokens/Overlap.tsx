import './Overlap.css';
import type { Token, TokenAddresses } from '@/api/types.ts';
import { useQuery } from '@/query/useQuery.ts';
import { Loaded } from '@/ui/Loaded.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { tokenAddressesOf } from './address.ts';
import { overlapOf } from './overlap.ts';
import { useEach } from './useEach.ts';

const EACH_MS = 3000;

function Bar({ addresses }: { addresses: TokenAddresses }) {
  const { rotate: words } = useText().tokens;
  const format = useFormat();
  const { all, old } = overlapOf(addresses.items);
  if (all === 0)
    return <p className="soft">{words.noUse}</p>;
  const text = old > 0 ? words.old(format.exact(old), format.exact(all)) : words.moved(all, format.exact(all));
  return (
    <>
      <p role="status" className={old > 0 ? 'warn' : 'good'}>{text}{addresses.complete ? '' : ` (${words.partly})`}</p>
      <div className="overlap-bar" aria-hidden="true">
        {all > old && <span style={{ flexGrow: all - old }} />}
        {old > 0 && <span className="overlap-old" style={{ flexGrow: old }} />}
      </div>
    </>
  );
}

// While two keys of a token work: how many of its callers still use the former one.
export function Overlap({ token }: { token: Pick<Token, 'id' | 'old_secret_expires_at'> }) {
  const { rotate: words } = useText().tokens;
  const format = useFormat();
  const address = tokenAddressesOf(token.id);
  const addresses = useQuery<TokenAddresses>(address, `addresses ${token.id}`);
  useEach(EACH_MS, address);
  return (
    <section className="overlap" aria-label={words.overlap}>
      <h3>{words.overlap}</h3>
      <Loaded of={addresses} what={words.overlap} height={48}>{(a) => <Bar addresses={a} />}</Loaded>
      {token.old_secret_expires_at && <p className="soft">{words.oldUntil(format.instant(new Date(token.old_secret_expires_at)))}</p>}
    </section>
  );
}
