// Charts are a chunk of their own: pages without any don't load it. A page that has some begins with it at once,
// not when its numbers are there.
import { lazily } from '@/ui/lazily.tsx';
import { pageOf } from '@/url/pages.ts';
import { currentPlace } from '@/url/place.ts';

export const TimeChart = lazily(async () => (await import('./TimeChart.tsx')).default);
export const ShareChart = lazily(async () => (await import('./ShareChart.tsx')).default);

const { path, search } = currentPlace();
const first = pageOf(path, search).name;
if (first !== 'dashboard')
  TimeChart.load().catch(() => undefined); // who draws it hears of it
if (first === 'analytics')
  ShareChart.load().catch(() => undefined);
