import { useSyncExternalStore } from 'react';
import { currentPlace, watchPlace } from './place.ts';
import type { Place } from './place.ts';

export const usePlace = (): Place => useSyncExternalStore(watchPlace, currentPlace);
