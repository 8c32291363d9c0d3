import { useEffect, useRef, useState } from 'react';
import { looksLikeKey } from '@/url/keyish.ts';
import { Field } from './Field.tsx';

const PAUSE_MS = 200;
const MOST = 255;

// What is typed is told once the reader pauses; a key never is. `value`: what was told, or is searched for by an address.
export function SearchField({ label, value, onChange }: { label: string; value: string; onChange: (q: string) => void }) {
  const [text, setText] = useState({ typed: value, of: value });
  const told = useRef(onChange);
  told.current = onChange;
  const typed = text.of === value ? text.typed : value;
  useEffect(() => {
    const q = typed.trim();
    if (q === value.trim() || q.length > MOST || looksLikeKey(q))
      return;
    const timer = setTimeout(() => {
      setText({ typed, of: q });
      told.current(q);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, value]);
  return <Field label={label} type="search" value={typed} onChange={(t) => setText({ typed: t, of: value })} />;
}
