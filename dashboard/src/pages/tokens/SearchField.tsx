import { useRef, useState } from 'react';
import { Field } from '@/ui/Field.tsx';
import { useText } from '@/ui/reader.tsx';
import { looksLikeKey } from '@/url/keyish.ts';
import { MOST_Q } from '@/url/tokenList.ts';
import { useTokenList } from '@/url/useTokenList.ts';

const PAUSE_MS = 200;

// What is typed replaces what stood in the address, after a pause; a whole key never comes there.
export function SearchField() {
  const { list: words } = useText().tokens;
  const [view, change] = useTokenList();
  const [typed, setTyped] = useState({ text: view.q, of: view.q });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const latest = useRef(change);
  latest.current = change;
  const text = typed.of === view.q ? typed.text : view.q;
  const type = (next: string): void => {
    setTyped({ text: next, of: view.q });
    clearTimeout(timer.current);
    if (looksLikeKey(next) || next.length > MOST_Q)
      return;
    timer.current = setTimeout(() => {
      setTyped({ text: next, of: next });
      latest.current({ q: next }, 'replace');
    }, PAUSE_MS);
  };
  return (
    <Field label={words.search} type={looksLikeKey(text) ? 'password' : 'search'} secret value={text} onChange={type}
      hint={looksLikeKey(text) ? words.aKey : undefined} />
  );
}
