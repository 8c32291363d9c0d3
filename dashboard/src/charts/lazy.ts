// Charts are a chunk of their own: pages without any don't load it.
import { lazy } from 'react';

export const TimeChart = lazy(() => import('./TimeChart.tsx'));
export const ShareChart = lazy(() => import('./ShareChart.tsx'));
