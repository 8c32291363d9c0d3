// The texts of a language: a chunk of its own, loaded when it is the reader's.
import type { Language } from './language.ts';
import type { Texts } from './en/texts.ts';

export async function loadTexts(language: Language): Promise<Texts> {
  return language === 'zh-TW'
    ? (await import('./zh-TW/texts.ts')).texts
    : (await import('./en/texts.ts')).texts;
}
