// Asks a question again and again while it matters, faster than the page's clock; rests in a hidden tab.
import { useEffect } from 'react';
import { refresh } from '@/query/store.ts';

export function useEach(ms: number, address: string | null): void {
  useEffect(() => {
    if (address === null)
      return;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible')
        refresh((a) => a === address);
    }, ms);
    return () => clearInterval(timer);
  }, [ms, address]);
}
