import type { Token } from '@/api/types.ts';
import { useNow } from '@/query/clock.ts';
import { Ago } from '@/ui/Ago.tsx';
import { useText } from '@/ui/reader.tsx';
import { SOON_DAYS } from './question.ts';

// Amber where it ends soon.
export function ExpiresCell({ token }: { token: Token }) {
  const { tokens: words } = useText();
  const now = useNow();
  const left = token.expires_at === null ? Infinity : new Date(token.expires_at).getTime() - now.getTime();
  const isSoon = token.state === 'active' && left < SOON_DAYS * 86_400_000;
  return <span className={isSoon ? 'warn' : undefined}><Ago at={token.expires_at} never={words.neverExpires} /></span>;
}
