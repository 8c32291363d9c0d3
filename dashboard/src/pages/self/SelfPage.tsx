import './SelfPage.css';
import { useState } from 'react';
import { getWithKey } from '@/api/call.ts';
import type { Self } from '@/api/types.ts';
import { useChange } from '@/query/useChange.ts';
import { hrefOf } from '@/url/pages.ts';
import { Button } from '@/ui/Button.tsx';
import { Field } from '@/ui/Field.tsx';
import { Link } from '@/ui/Link.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { Taste } from '@/ui/Taste.tsx';
import { useText } from '@/ui/reader.tsx';
import { SelfFacts } from './SelfFacts.tsx';
import { SelfUse } from './SelfUse.tsx';
import { ownKeyFault } from './ownKey.ts';

interface KeyFormProps { problem: Parameters<typeof ProblemNotice>[0]['problem'] | null; isRunning: boolean; onKey: (key: string) => void }

function KeyForm({ problem, isRunning, onKey }: KeyFormProps) {
  const { self: words } = useText().tokens;
  const [text, setText] = useState('');
  const [isTried, setTried] = useState(false);
  const fault = ownKeyFault(text);
  const submit = (): void => {
    setTried(true);
    if (!fault)
      onKey(text.trim());
  };
  return (
    <form className="panel self-form" onSubmit={(e) => { e.preventDefault(); submit(); }}>
      <Field label={words.key} type="password" secret value={text} onChange={setText} hint={words.hint} fault={isTried && fault ? words[fault] : null} />
      {problem && <ProblemNotice problem={problem} />}
      <div><Button type="submit" kind="main" disabled={isRunning}>{words.show}</Button></div>
    </form>
  );
}

// For who holds a gateway key and cannot sign in. The key is in this component's state, and nowhere else.
export default function SelfPage() {
  const { self: words } = useText().tokens;
  const [known, setKnown] = useState<{ key: string; self: Self } | null>(null);
  const { run, problem, isRunning } = useChange(async (key: string) => {
    setKnown({ key, self: await getWithKey<Self>('/api/self', key) });
  });
  return (
    <main className="self" id="main">
      <PageHead title={words.title} />
      <p className="soft">{words.what}</p>
      {known === null ? <KeyForm problem={problem} isRunning={isRunning} onKey={(k) => void run(k)} /> : (
        <>
          {problem && <ProblemNotice problem={problem} />}
          <SelfFacts self={known.self} acts={<>
            <Button onClick={() => void run(known.key)} disabled={isRunning}>{words.again}</Button>
            <Button onClick={() => setKnown(null)}>{words.forget}</Button>
          </>} />
          <SelfUse use={known.self.use} />
        </>
      )}
      <p><Link href={hrefOf({ name: 'signIn' })}>{words.signIn}</Link></p>
      <div className="self-taste"><Taste quiet /></div>
    </main>
  );
}
