// What every page needs, in one file: esbuild puts it there because each part is told to import it (bundle.mjs). Else what
// is shared by other parts each time is a file of its own, twenty of them, which compress worse and are asked for one by one.
import 'react';
import 'react/jsx-runtime';
import 'react-dom';
import '@/api/call.ts';
import '@/api/fresh.ts';
import '@/query/clock.ts';
import '@/query/session.ts';
import '@/query/useMe.ts';
import '@/text/format.ts';
import '@/text/language.ts';
import '@/ui/Broken.tsx';
import '@/ui/Copy.tsx';
import '@/ui/Dialog.tsx';
import '@/ui/Empty.tsx';
import '@/ui/Link.tsx';
import '@/ui/Loaded.tsx';
import '@/ui/Menu.tsx';
import '@/ui/PageHead.tsx';
import '@/ui/Select.tsx';
import '@/ui/Taste.tsx';
import '@/ui/lazily.tsx';
import '@/ui/me.ts';
import '@/ui/toasts.ts';
import '@/ui/useKeys.ts';
import '@/url/pages.ts';
