// What was done, for some seconds, with a way back where there is one.
export interface Toast { id: number; text: string; undo?: () => void; kind: 'good' | 'bad' }

const SHOWN_MS = 8000;
const listeners = new Set<() => void>();
let toasts: readonly Toast[] = [];
let last = 0;

function put(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners)
    listener();
}

export const readToasts = (): readonly Toast[] => toasts;

export function watchToasts(listener: () => void): () => void {
  listeners.add(listener);
  return () => { listeners.delete(listener); };
}

export const dropToast = (id: number): void => put(toasts.filter((t) => t.id !== id));

export function tell(text: string, of: { undo?: () => void; kind?: 'good' | 'bad' } = {}): void {
  const toast: Toast = { id: ++last, text, kind: of.kind ?? 'good', ...(of.undo ? { undo: of.undo } : {}) };
  put([...toasts.slice(-3), toast]);
  setTimeout(() => dropToast(toast.id), SHOWN_MS);
}
