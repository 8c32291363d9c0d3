// A part that is loaded when it is first drawn, or before that by load(), by its name in its file. Until it is there
// `waiting` stands in its place. Not by Suspense, which holds back for up to 0.3 s what is there sooner. One that
// cannot be loaded says so where it would stand; what would open over the page (it has onClose), over the page.
import { useEffect, useState } from 'react';
import type { ComponentType, ReactNode } from 'react';
import { fresh } from '@/api/fresh.ts';
import { Crashed } from './Broken.tsx';
import { Button } from './Button.tsx';
import { Dialog } from './Dialog.tsx';
import { useText } from './reader.tsx';

type With<P> = P & { waiting?: ReactNode; onClose?: () => void };
export type Lazy<P> = ComponentType<With<P>> & { load: () => Promise<unknown> };

function Missing({ again, onClose }: { again: () => void; onClose: (() => void) | undefined }) {
  const { act, state } = useText().common;
  return onClose ? <Dialog title={state.crashed} onClose={onClose}><Button onClick={again}>{act.retry}</Button></Dialog>
    : <Crashed again={again} />;
}

export function lazily<P extends object>(from: () => Promise<ComponentType<P>>): Lazy<P> {
  let there: ComponentType<P> | null = null;
  const load = async (): Promise<ComponentType<P>> => (there ??= await fresh(from()));
  function Part(props: With<P>) {
    const [Found, setFound] = useState(() => there);
    const [isMissing, setMissing] = useState(false);
    useEffect(() => {
      if (Found === null && !isMissing)
        load().then((found) => setFound(() => found), () => setMissing(true));
    }, [Found, isMissing]);
    if (isMissing)
      return <Missing again={() => setMissing(false)} onClose={props.onClose} />;
    return Found === null ? props.waiting : <Found {...props} />;
  }
  return Object.assign(Part, { load });
}
