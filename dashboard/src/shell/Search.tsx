import './Search.css';
import { useEffect, useState } from 'react';
import { asProblem } from '@/api/problem.ts';
import type { Problem } from '@/api/problem.ts';
import { Dialog } from '@/ui/Dialog.tsx';
import { Field } from '@/ui/Field.tsx';
import { Link } from '@/ui/Link.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { useText } from '@/ui/reader.tsx';
import { looksLikeKey } from '@/url/keyish.ts';
import { go } from '@/url/place.ts';
import { find } from './find.ts';
import type { Found } from './find.ts';

type State = { of: string; found: readonly Found[] | null; problem: Problem | null };
const PAUSE_MS = 150;

function useFound(text: string): State {
  const [state, setState] = useState<State>({ of: '', found: null, problem: null });
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      find(text, abort.signal).then(
        (found) => { if (!abort.signal.aborted) setState({ of: text, found, problem: null }); },
        (e: unknown) => { if (!abort.signal.aborted) setState({ of: text, found: null, problem: asProblem(e) }); });
    }, PAUSE_MS);
    return () => { clearTimeout(timer); abort.abort(); };
  }, [text]);
  return state;
}

export function Search({ onClose }: { onClose: () => void }) {
  const { search } = useText().common;
  const [text, setText] = useState('');
  const { of, found, problem } = useFound(text);
  const isCurrent = of === text && text.trim() !== '';
  const open = (f: Found | undefined): void => {
    if (f) {
      onClose();
      go(f.href);
    }
  };
  return (
    <Dialog title={search.label} onClose={onClose}>
      <form onSubmit={(e) => { e.preventDefault(); open(isCurrent ? found?.[0] : undefined); }}>
        <Field label={search.label} type="search" secret value={text} onChange={setText}
          hint={looksLikeKey(text) ? search.aKey : search.hint} />
      </form>
      <div role="status" aria-live="polite">
        {isCurrent && problem && <ProblemNotice problem={problem} />}
        {isCurrent && found?.length === 0 && <p className="soft">{search.nothing}</p>}
        {isCurrent && found && found.length > 0 && (
          <ul className="search-found" onClick={onClose}>
            {found.map((f) => (
              <li key={f.href}>
                <Link href={f.href} className="search-hit">
                  <span className="soft">{search[f.kind]}</span><span className="search-name">{f.name}</span>
                  <span className="soft">{f.isFormer ? search.oldSecret : f.detail}</span>
                </Link>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Dialog>
  );
}
