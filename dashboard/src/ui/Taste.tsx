import { LANGUAGES } from '@/text/language.ts';
import { Select } from './Select.tsx';
import { useReader } from './reader.tsx';
import type { Theme } from './reader.tsx';

const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

// Theme and language, remembered in this browser.
export function Taste({ quiet = false }: { quiet?: boolean }) {
  const { texts, language, theme, setLanguage, setTheme } = useReader();
  const { common } = texts;
  return (
    <>
      <Select label={common.theme.label} quiet={quiet} value={theme} onChange={setTheme}
        options={THEMES.map((t) => ({ value: t, label: common.theme[t] }))} />
      <Select label={common.language.label} quiet={quiet} value={language} onChange={setLanguage}
        options={LANGUAGES.map((l) => ({ value: l, label: common.language[l] }))} />
    </>
  );
}
