import { lazily } from '@/ui/lazily.tsx';

export const CallRecord = lazily(async () => (await import('./CallRecord.tsx')).CallRecord);
