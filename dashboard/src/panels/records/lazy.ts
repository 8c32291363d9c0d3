import { lazily } from '@/ui/lazily.ts';

export const CallRecord = lazily(async () => (await import('./CallRecord.tsx')).CallRecord);
