// Charts are a chunk of their own: pages without any don't load it.
import { lazy } from 'react';
import { fresh } from '@/url/fresh.ts';

export const TimeChart = lazy(() => fresh(import('./TimeChart.tsx')));
export const ShareChart = lazy(() => fresh(import('./ShareChart.tsx')));
