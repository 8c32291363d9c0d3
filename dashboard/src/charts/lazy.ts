// Charts are a chunk of their own: pages without any don't load it. A page that has some begins with it at once,
// not when its numbers are there.
import { lazy } from 'react';
import { fresh } from '@/url/fresh.ts';

const timeChart = fresh(import('./TimeChart.tsx'));

export const TimeChart = lazy(() => timeChart);
export const ShareChart = lazy(() => fresh(import('./ShareChart.tsx')));
