// A change that the reader makes: one at a time, its failure kept until the next.
import { useState } from 'react';
import { asProblem } from '@/api/problem.ts';
import type { Problem } from '@/api/problem.ts';

export interface Changing<A extends unknown[]> {
  isRunning: boolean;
  problem: Problem | null;
  run: (...args: A) => Promise<boolean>; // false: it failed
  clear: () => void;
}

export function useChange<A extends unknown[]>(make: (...args: A) => Promise<void>): Changing<A> {
  const [state, setState] = useState<{ isRunning: boolean; problem: Problem | null }>({ isRunning: false, problem: null });
  const run = async (...args: A): Promise<boolean> => {
    setState({ isRunning: true, problem: null });
    try {
      await make(...args);
      setState({ isRunning: false, problem: null });
      return true;
    } catch (e) {
      setState({ isRunning: false, problem: asProblem(e) });
      return false;
    }
  };
  return { ...state, run, clear: () => setState({ isRunning: false, problem: null }) };
}
