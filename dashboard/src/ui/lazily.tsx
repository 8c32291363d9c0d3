// A part that is loaded when it is first drawn, or before that by load(), by its name in its file. Until it is there
// `waiting` stands in its place. Not by Suspense, which holds back for up to 0.3 s what is there sooner.
import { useEffect, useState } from 'react';
import type { ComponentType, ReactNode } from 'react';
import { fresh } from '@/url/fresh.ts';

export type Lazy<P> = ComponentType<P & { waiting?: ReactNode }> & { load: () => Promise<unknown> };

export function lazily<P extends object>(from: () => Promise<ComponentType<P>>): Lazy<P> {
  let there: ComponentType<P> | null = null;
  const load = async (): Promise<ComponentType<P>> => (there ??= await fresh(from()));
  function Part(props: P & { waiting?: ReactNode }) {
    const [Found, setFound] = useState(() => there);
    const [error, setError] = useState<unknown>(null);
    useEffect(() => {
      if (Found === null)
        load().then((found) => setFound(() => found), setError);
    }, [Found]);
    if (error !== null)
      throw error;
    return Found === null ? props.waiting : <Found {...props} />;
  }
  return Object.assign(Part, { load });
}
