import 'virtual:styles';
import { createRoot } from 'react-dom/client';
import { loadTexts } from '@/text/load.ts';
import { ReaderProvider, storedLanguage } from '@/ui/ReaderProvider.tsx';
import { App } from './App.tsx';

const root = document.getElementById('root');
const language = storedLanguage();

if (root) {
  const initial = await loadTexts(language);
  createRoot(root).render(<ReaderProvider initial={initial} language={language}><App /></ReaderProvider>);
}
