import type { ReactNode } from 'react';
import { Button } from '@/ui/Button.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { useText } from '@/ui/reader.tsx';

interface Props { title: string; hint?: string; acts?: ReactNode; clear: (() => void) | null }

// Nothing at all, or nothing for the filters: `clear` takes those away.
export function ListEmpty({ title, hint, acts, clear }: Props) {
  const { list: words } = useText().people;
  if (clear)
    return <Empty title={words.noFit} hint={words.noFitHint} acts={<Button onClick={clear}>{words.clear}</Button>} />;
  return <Empty title={title} hint={hint} acts={acts} />;
}
