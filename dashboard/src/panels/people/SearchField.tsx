import { useEffect, useRef, useState } from 'react';
import { Field } from '@/ui/Field.tsx';
import { useText } from '@/ui/reader.tsx';

const WAIT_MS = 250;

// What is typed goes into the address once the reader pauses.
export function SearchField({ value, onChange }: { value: string; onChange: (q: string) => void }) {
  const { list: words } = useText().people;
  const [text, setText] = useState({ typed: value, of: value });
  const told = useRef(onChange);
  told.current = onChange;
  const typed = text.of === value ? text.typed : value;
  useEffect(() => {
    if (typed.trim() === value)
      return;
    const timer = setTimeout(() => told.current(typed.trim()), WAIT_MS);
    return () => clearTimeout(timer);
  }, [typed, value]);
  return <Field label={words.search} type="search" value={typed} onChange={(t) => setText({ typed: t, of: value })} />;
}
