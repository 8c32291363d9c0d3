// What belongs to the reader: texts of their language, formats of their zone, theme. From the system, unless chosen.
import { createContext, useContext } from 'react';
import { formatOf } from '@/text/format.ts';
import type { Format } from '@/text/format.ts';
import type { Language } from '@/text/language.ts';
import type { Texts } from '@/text/en/texts.ts';
import { browserZone } from '@/time/zone.ts';

export type Theme = 'system' | 'light' | 'dark';

export interface Reader {
  language: Language;
  texts: Texts;
  theme: Theme;
  setLanguage: (l: Language) => void;
  setTheme: (t: Theme) => void;
}

export const ReaderContext = createContext<Reader | null>(null);

export function useReader(): Reader {
  const reader = useContext(ReaderContext);
  if (!reader)
    throw new Error('no reader above');
  return reader;
}

export const useText = (): Texts => useReader().texts;

// Of the page's zone, where it has one.
export function useFormat(zone: string = browserZone()): Format {
  return formatOf(useReader().language, zone);
}
