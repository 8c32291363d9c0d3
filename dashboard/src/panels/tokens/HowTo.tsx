import './HowTo.css';
import { useState } from 'react';
import { useQuery } from '@/query/useQuery.ts';
import { Button } from '@/ui/Button.tsx';
import { Copy } from '@/ui/Copy.tsx';
import { Field } from '@/ui/Field.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { useText } from '@/ui/reader.tsx';
import { origin } from '@/url/place.ts';
import { scopesAddress } from './address.ts';
import { curlWithKey, gatewayBeside, routeOfSdk, routesFor, sdkWithKey, urlOf } from './snippets.ts';
import type { ScopeRoutes } from './snippets.ts';

interface Props { scopes: readonly string[]; secret: string; onCopied: () => void }
const WAYS = ['curl', 'n8n', 'sdk'] as const;
type Way = (typeof WAYS)[number];

function Code({ text, onCopied }: { text: string; onCopied: () => void }) {
  return <div className="how-to-code"><pre tabIndex={0}><code>{text}</code></pre><Copy text={text} onCopied={onCopied} /></div>;
}

function Steps({ way, gateway, routes, secret, onCopied }: { way: Way; gateway: string; routes: readonly string[] } & Omit<Props, 'scopes'>) {
  const { key: words } = useText().tokens;
  const [route] = routes;
  if (route === undefined)
    return <Notice kind="warn">{words.noRoute}</Notice>;
  if (way === 'curl')
    return <Code text={curlWithKey(gateway, route, secret)} onCopied={onCopied} />;
  if (way === 'sdk')
    return <><p className="soft">{words.sdkHint}</p><Code text={sdkWithKey(gateway, routeOfSdk(routes) ?? route, secret)} onCopied={onCopied} /></>;
  return (
    <ol className="how-to-steps">
      {[...words.n8nSteps, words.n8nUrl(urlOf(gateway, route))].map((step) => <li key={step}>{step}</li>)}
    </ol>
  );
}

// Lines to copy that make a first call, of a route that the key opens.
export function HowTo({ scopes, secret, onCopied }: Props) {
  const { key: words } = useText().tokens;
  const guess = gatewayBeside(origin());
  const [gateway, setGateway] = useState(guess ?? 'https://gateway.example.com');
  const [way, setWay] = useState<Way>('curl');
  const known = useQuery<{ items: ScopeRoutes[] }>(scopesAddress, 'scopes');
  return (
    <section className="how-to" aria-label={words.how}>
      <div className="how-to-head">
        <h3>{words.how}</h3>
        <div className="how-to-ways" role="group" aria-label={words.how}>
          {WAYS.map((w) => <Button key={w} pressed={w === way} onClick={() => setWay(w)}>{words[w]}</Button>)}
        </div>
      </div>
      <Field label={words.gateway} type="url" value={gateway} onChange={setGateway} hint={guess ? words.gatewayLocal : words.gatewayGuess} />
      <Loaded of={known} what={words.how} height={72}>
        {(k) => <Steps way={way} gateway={gateway} routes={routesFor(scopes, k.items)} secret={secret} onCopied={onCopied} />}
      </Loaded>
    </section>
  );
}
