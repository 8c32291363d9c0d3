// Charts are a chunk of their own: pages without any don't load it. A page that has some begins with it at once,
// not when its numbers are there.
import { lazy } from 'react';
import { fresh } from '@/url/fresh.ts';
import { pageOf } from '@/url/pages.ts';
import { currentPlace } from '@/url/place.ts';

const load = () => fresh(import('./TimeChart.tsx'));
const { path, search } = currentPlace();
const timeChart = pageOf(path, search).name === 'dashboard' ? null : load();

export const TimeChart = lazy(() => timeChart ?? load());
export const ShareChart = lazy(() => fresh(import('./ShareChart.tsx')));
