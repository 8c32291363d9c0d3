// The stream and its table, for who has asked for them.
import { lazily } from '@/ui/lazily.tsx';

export const LiveBody = lazily(async () => (await import('./LiveBody.tsx')).LiveBody);
