// The first steps with a new gateway, which tick themselves off. A view asks for one thing beside its statistics.
import type { RouteConfiguration } from '@/api/types.ts';

export type Step = 'token' | 'call' | 'upstream';
export type Steps = Record<Step, boolean>;
export const STEPS: readonly Step[] = ['token', 'call', 'upstream'];

// What is known of them in this browser: nothing, that there is a token, that all were done or nobody wants to see them.
export type Stage = 'tokens' | 'routes' | 'done';
export const isStage = (text: unknown): text is Stage => text === 'tokens' || text === 'routes' || text === 'done';

const OLD_MS = 7 * 86_400_000;

// Where calls have come since a week, nobody needs first steps.
export const isOld = (firstCallAt: string | null | undefined, now: Date): boolean =>
  typeof firstCallAt === 'string' && now.getTime() - Date.parse(firstCallAt) > OLD_MS;

// What a view asks for; null: nothing. firstCallAt of undefined: the statistics are not there yet.
export function asksFor(stage: Stage, firstCallAt: string | null | undefined, now: Date): 'tokens' | 'routes' | null {
  if (stage === 'done' || firstCallAt === undefined || isOld(firstCallAt, now))
    return null;
  return firstCallAt === null ? stage : 'routes';
}

type Routes = readonly Pick<RouteConfiguration, 'replaced'>[];

// A call had a token. A route leads to an upstream of one's own where none has taken its place (tollgate dev's mock).
export const stepsOf = (hasToken: boolean, firstCallAt: string | null | undefined, routes: Routes | undefined): Steps => ({
  token: hasToken || typeof firstCallAt === 'string',
  call: typeof firstCallAt === 'string',
  upstream: routes?.some((r) => !r.replaced) === true,
});

export const areDone = (s: Steps): boolean => s.token && s.call && s.upstream;
