// A part that is loaded when it is first drawn, by its name in its file.
import { lazy } from 'react';
import type { ComponentType } from 'react';
import { fresh } from '@/url/fresh.ts';

export function lazily<P>(load: () => Promise<ComponentType<P>>) {
  return lazy(async () => ({ default: await fresh(load()) }));
}
