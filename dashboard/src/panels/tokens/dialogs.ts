// What is done with a token, loaded when somebody does the first of it.
import { lazily } from '@/ui/lazily.tsx';

const load = async () => (await import('./acts.ts')).ACTS;

export const DIALOGS = {
  edit: lazily(async () => (await load()).edit),
  rotate: lazily(async () => (await load()).rotate),
  revoke: lazily(async () => (await load()).revoke),
  remove: lazily(async () => (await load()).remove),
} as const;

export const CreateToken = lazily(async () => (await load()).create);
