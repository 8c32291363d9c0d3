import 'virtual:styles';
import { createRoot } from 'react-dom/client';
import { loadTexts } from '@/text/load.ts';
import { ReaderProvider, storedLanguage } from '@/ui/ReaderProvider.tsx';
import { pageOf } from '@/url/pages.ts';
import { currentPlace } from '@/url/place.ts';
import { fresh } from '@/api/fresh.ts';
import { App, preload } from './App.tsx';

const root = document.getElementById('root');
const language = storedLanguage();

if (root) {
  const { path, search } = currentPlace();
  const [initial] = await Promise.all([fresh(loadTexts(language)), preload(pageOf(path, search))]);
  createRoot(root).render(<ReaderProvider initial={initial} language={language}><App /></ReaderProvider>);
}
