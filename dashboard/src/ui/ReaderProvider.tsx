import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import { chooseLanguage, isLanguage, langAttribute } from '@/text/language.ts';
import type { Language } from '@/text/language.ts';
import type { Texts } from '@/text/en/texts.ts';
import { loadTexts } from '@/text/load.ts';
import { fresh } from '@/api/fresh.ts';
import { ReaderContext } from './reader.tsx';
import type { Theme } from './reader.tsx';
import { tell } from './toasts.ts';

const LANGUAGE_KEY = 'tollgate.language';
const THEME_KEY = 'tollgate.theme';

export function storedLanguage(): Language {
  const stored = window.localStorage.getItem(LANGUAGE_KEY);
  return isLanguage(stored) ? stored : chooseLanguage(navigator.languages);
}

function storedTheme(): Theme {
  const stored = window.localStorage.getItem(THEME_KEY);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

const isDark = (t: Theme): boolean =>
  t === 'dark' || (t === 'system' && window.matchMedia('(prefers-color-scheme: dark)').matches);

// Before anything is drawn, and again whenever the system changes.
function useTheme(theme: Theme): void {
  useEffect(() => {
    const query = window.matchMedia('(prefers-color-scheme: dark)');
    const show = (): void => { document.documentElement.dataset['theme'] = isDark(theme) ? 'dark' : 'light'; };
    show();
    query.addEventListener('change', show);
    return () => query.removeEventListener('change', show);
  }, [theme]);
}

export function ReaderProvider({ initial, language: first, children }: { initial: Texts; language: Language; children: ReactNode }) {
  const [{ language, texts }, setSpoken] = useState({ language: first, texts: initial });
  const [theme, setTheme] = useState(storedTheme);
  useTheme(theme);
  useEffect(() => { document.documentElement.lang = langAttribute(language); }, [language]);

  const reader = {
    language, texts, theme,
    setLanguage: (l: Language) => {
      window.localStorage.setItem(LANGUAGE_KEY, l);
      void fresh(loadTexts(l)).then((t) => setSpoken({ language: l, texts: t }), () => tell(texts.problems.network, { kind: 'bad' }));
    },
    setTheme: (t: Theme) => {
      window.localStorage.setItem(THEME_KEY, t);
      setTheme(t);
    },
  };
  return <ReaderContext.Provider value={reader}>{children}</ReaderContext.Provider>;
}
