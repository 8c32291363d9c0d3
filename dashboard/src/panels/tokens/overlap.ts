// From where a token is used, and which addresses have not changed to its newer key yet.
import type { TokenAddresses } from '@/api/types.ts';

export interface Overlap { all: number; old: number; calls: number }

// An address has moved once its latest call came with the key of now.
export function overlapOf(items: TokenAddresses['items']): Overlap {
  const latest = new Map<string, { at: string; isOld: boolean }>();
  let calls = 0;
  for (const item of items) {
    const address = item.address ?? '';
    const known = latest.get(address);
    calls += item.calls;
    if (!known || item.last_used_at > known.at)
      latest.set(address, { at: item.last_used_at, isOld: item.secret === 'old' });
  }
  return { all: latest.size, old: [...latest.values()].filter((a) => a.isOld).length, calls };
}
