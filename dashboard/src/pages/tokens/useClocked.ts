// The list anew with the page's clock: not while more of its pages are shown, which would all be asked for, nor below a dialog.
import { useEffect } from 'react';
import { useNow } from '@/query/clock.ts';
import { refresh } from '@/query/store.ts';
import { isDialogOpen } from '@/ui/Dialog.tsx';

export function useClocked(address: string, shown: number, ofFirst: number | undefined): void {
  const now = useNow();
  const isFirstAlone = ofFirst !== undefined && shown === ofFirst;
  useEffect(() => {
    if (isFirstAlone && !isDialogOpen())
      refresh((a) => a === address);
  }, [now]);
}
