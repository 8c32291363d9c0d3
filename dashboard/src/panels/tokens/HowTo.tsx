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
import { routesAddress } from './address.ts';
import { curlWithKey, gatewayBeside, routeOfSdk, routesFor, sdkWithKey, urlOf } from './snippets.ts';
import type { Routes } from './snippets.ts';

interface Props { scopes: readonly string[]; secret: string; onCopied: () => void }
const WAYS = ['curl', 'n8n', 'sdk'] as const;
type Way = (typeof WAYS)[number];

function Code({ text, onCopied }: { text: string; onCopied: () => void }) {
  return <div className="how-to-code"><pre tabIndex={0}><code>{text}</code></pre><Copy text={text} onCopied={onCopied} /></div>;
}

interface StepsProps { way: Way; gateway: string; routes: Routes['items']; secret: string; onCopied: () => void }

function Steps({ way, gateway, routes, secret, onCopied }: StepsProps) {
  const { key: words } = useText().tokens;
  const route = way === 'sdk' ? routeOfSdk(routes) : routes[0];
  if (route === undefined)
    return <Notice kind="warn">{routes.length === 0 ? words.noRoute : words.noSdkRoute}</Notice>;
  if (way === 'curl')
    return <Code text={curlWithKey(gateway, route.path, secret)} onCopied={onCopied} />;
  if (way === 'sdk')
    return <><Code text={sdkWithKey(gateway, route.path, secret)} onCopied={onCopied} /><p className="soft">{words.sdkHint}</p></>;
  return (
    <ol className="how-to-steps">
      {[...words.n8nSteps, words.n8nUrl(urlOf(gateway, route.path))].map((step) => <li key={step}>{step}</li>)}
    </ol>
  );
}

function Ways({ routes: { items, gateway: where }, scopes, secret, onCopied }: Props & { routes: Routes }) {
  const { key: words } = useText().tokens;
  const guess = gatewayBeside(origin(), where);
  const [gateway, setGateway] = useState(guess ?? 'https://gateway.example.com');
  const [way, setWay] = useState<Way>('curl');
  return (
    <>
      <div className="how-to-head">
        <h3>{words.how}</h3>
        <div className="how-to-ways" role="group" aria-label={words.how}>
          {WAYS.map((w) => <Button key={w} pressed={w === way} onClick={() => setWay(w)}>{words[w]}</Button>)}
        </div>
      </div>
      <Steps way={way} gateway={gateway} routes={routesFor(scopes, items)} secret={secret} onCopied={onCopied} />
      <Field label={words.gateway} type="url" value={gateway} onChange={setGateway} hint={guess ? words.gatewayByPort : words.gatewayGuess} />
    </>
  );
}

// Lines to copy that make a first call, of a route that the key opens.
export function HowTo(props: Props) {
  const { key: words } = useText().tokens;
  const routes = useQuery<Routes>(routesAddress, 'routes');
  return (
    <section className="how-to" aria-label={words.how}>
      <Loaded of={routes} what={words.how} height={160}>{(r) => <Ways {...props} routes={r} />}</Loaded>
    </section>
  );
}
