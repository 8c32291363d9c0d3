// Which of our languages a reader gets. Traditional Chinese never falls back to Simplified, nor the
// other way round: other kinds of Chinese read English.
export type Language = 'en' | 'zh-TW';
export const LANGUAGES: readonly Language[] = ['en', 'zh-TW'];

export const isLanguage = (text: unknown): text is Language => text === 'en' || text === 'zh-TW';

const TRADITIONAL = /^zh-(hant|tw|hk|mo)\b/i;
const ENGLISH = /^en\b/i;

// The first of a browser's languages that is one of ours.
export function chooseLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    if (TRADITIONAL.test(tag))
      return 'zh-TW';
    if (ENGLISH.test(tag))
      return 'en';
  }
  return 'en';
}

// Of the document: without the script Han glyphs may be drawn as Simplified ones.
export const langAttribute = (l: Language): string => (l === 'zh-TW' ? 'zh-Hant-TW' : 'en');
