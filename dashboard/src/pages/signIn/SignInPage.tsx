import './SignInPage.css';
import { useEffect, useRef, useState } from 'react';
import type { Ways } from '@/api/types.ts';
import { WAYS, signIn } from '@/query/session.ts';
import { useChange } from '@/query/useChange.ts';
import { useQuery } from '@/query/useQuery.ts';
import { currentPlace, go, takeFragment } from '@/url/place.ts';
import { hrefOf, pageOf } from '@/url/pages.ts';
import { Button } from '@/ui/Button.tsx';
import { Field } from '@/ui/Field.tsx';
import { Link } from '@/ui/Link.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { Taste } from '@/ui/Taste.tsx';
import { Words } from '@/ui/Words.tsx';
import { useText } from '@/ui/reader.tsx';
import { keyFault } from './keyFault.ts';

// Where to go afterwards: the page that asked for it, or the overview.
function returnTo(): string {
  const { path, search } = currentPlace();
  return pageOf(path, search).name === 'signIn' ? hrefOf({ name: 'dashboard' }) : path + search;
}

function Providers({ ways }: { ways: Ways }) {
  const { signIn: words } = useText().common;
  const to = new URLSearchParams({ return_to: returnTo() });
  return (
    <>
      {ways.providers.map((p) => (
        <a key={p.name} className="button" href={`${p.href}?${to}`}>{words.by(p.label)}</a>
      ))}
      {ways.providers.length > 0 && <p className="sign-in-or">{words.or}</p>}
    </>
  );
}

function KeyForm() {
  const { signIn: words, act } = useText().common;
  const [key, setKey] = useState('');
  const [isTried, setTried] = useState(false);
  const { run, problem, isRunning } = useChange(async (k: string) => {
    const to = returnTo();
    await signIn({ key: k });
    go(to, 'replace');
  });
  const fault = keyFault(key);
  const submit = (): void => {
    setTried(true);
    if (!fault)
      void run(key.trim()); // one that failed is still there to be sent again
  };
  const faultText = fault === 'gateway_key' ? words.gatewayKey : fault ? words.wrong : null;
  return (
    <form className="sign-in-form" onSubmit={(e) => { e.preventDefault(); submit(); }}>
      <Field label={words.key} type="password" secret value={key} onChange={setKey} hint={words.keyHint}
        fault={isTried ? faultText : null} />
      {problem && <ProblemNotice problem={problem} />}
      <Button type="submit" kind="main" disabled={isRunning}>{act.signIn}</Button>
    </form>
  );
}

// The code behind the # is taken out of the address before anything else, and spent once.
function LinkSignIn({ code }: { code: string }) {
  const { signIn: words } = useText().common;
  const isSent = useRef(false);
  const { run, problem } = useChange(async () => {
    await signIn({ code });
    go(hrefOf({ name: 'dashboard' }), 'replace');
  });
  useEffect(() => {
    if (!isSent.current) {
      isSent.current = true;
      void run();
    }
  });
  if (!problem)
    return <Notice kind="info">{words.link}</Notice>;
  return problem.code === 'bad_sign_in'
    ? <Notice kind="bad"><p>{words.linkFailed}</p><p><Words>{words.linkHint}</Words></p></Notice>
    : <ProblemNotice problem={problem} retry={() => void run()} />;
}

// What a provider, or the manager, sent the browser back with (docs/sign-in.md).
function SentBack() {
  const { signIn: words } = useText().common;
  const word = new URLSearchParams(currentPlace().search).get('problem');
  const found = Object.entries(words.problem).find(([name]) => name === word);
  return found ? <Notice kind="bad">{found[1]}</Notice> : null;
}

export default function SignInPage() {
  const { signIn: words } = useText().common;
  const [code] = useState(takeFragment);
  const ways = useQuery<Ways>(WAYS, 'ways');
  useEffect(() => { document.title = `${words.title} · Tollgate`; }, [words]);
  return (
    <main className="sign-in" id="main">
      <div className="sign-in-box">
        <h1>{words.title}</h1>
        {code ? <LinkSignIn code={code} /> : <SentBack />}
        <Loaded of={ways} what={words.title} height={160}>{(w) => <><Providers ways={w} /><KeyForm /></>}</Loaded>
        <p><Link href={hrefOf({ name: 'self' })}>{words.selfLink}</Link></p>
      </div>
      <div className="sign-in-taste"><Taste quiet /></div>
    </main>
  );
}
