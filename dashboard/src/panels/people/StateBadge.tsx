import { Badge } from '@/ui/Badge.tsx';
import type { BadgeKind } from '@/ui/Badge.tsx';
import { useText } from '@/ui/reader.tsx';

const KINDS = {
  active: 'good', live: 'good', open: 'warn', disabled: 'warn', silent: 'bad', expired: 'plain', removed: 'plain', revoked: 'plain', refused: 'plain',
} as const satisfies Record<string, BadgeKind>;

export function StateBadge({ state }: { state: keyof typeof KINDS }) {
  const { people } = useText();
  return <Badge kind={KINDS[state]}>{people.state[state]}</Badge>;
}
