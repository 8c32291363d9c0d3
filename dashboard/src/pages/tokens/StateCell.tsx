import type { Token, TokenState } from '@/api/types.ts';
import { Badge } from '@/ui/Badge.tsx';
import type { BadgeKind } from '@/ui/Badge.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';

const KINDS: Record<TokenState, BadgeKind> = {
  active: 'good', disabled: 'warn', team_disabled: 'warn', expired: 'bad', revoked: 'bad', deleted: 'bad',
};

// Whether gateways take it, and whether two keys of it work.
export function StateCell({ token }: { token: Token }) {
  const { tokens: words } = useText();
  const format = useFormat();
  const until = token.old_secret_expires_at;
  const isRotating = until !== null && new Date(until).getTime() > Date.now() && token.state === 'active';
  return (
    <span className="token-scopes">
      <Badge kind={KINDS[token.state]}>{words.states[token.state]}</Badge>
      {isRotating && <Badge kind="warn" title={words.rotatingUntil(format.instant(new Date(until)))}>{words.rotating}</Badge>}
    </span>
  );
}
