import './FirstCall.css';
import { addressOfGet } from '@/api/call.ts';
import type { Call, Token } from '@/api/types.ts';
import { hrefOf } from '@/url/pages.ts';
import { useQuery } from '@/query/useQuery.ts';
import { Icon } from '@/ui/Icon.tsx';
import { Link } from '@/ui/Link.tsx';
import { problemTitle } from '@/ui/ProblemNotice.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { useEach } from './useEach.ts';

const EACH_MS = 1500;
const BEFORE_MS = 60_000; // clocks differ

// Of a token that was made now all calls are new.
const addressOf = (t: Token): string => addressOfGet('/api/usage/logs', {
  query: { token: [t.id], from: new Date(new Date(t.created_at ?? Date.now()).getTime() - BEFORE_MS).toISOString(), limit: 1 },
});

// Waits for the key's first call, and shows it arrive.
export function FirstCall({ token }: { token: Token }) {
  const texts = useText();
  const { key: words } = texts.tokens;
  const format = useFormat();
  const address = addressOf(token);
  const calls = useQuery<{ items: Call[] }>(address, `first call ${token.id}`);
  const call = 'data' in calls ? calls.data?.items[0] : undefined;
  useEach(EACH_MS, call ? null : address);
  const took = call?.response_time_ms == null ? '–' : format.ms(call.response_time_ms);
  return (
    <div className={call ? 'first-call first-call-here' : 'first-call'} role="status">
      {call ? <Icon name="check" /> : <span className="first-call-dot" aria-hidden="true" />}
      {call ? <span>{call.response_status === null ? words.receivedNoStatus(took) : words.received(String(call.response_status), took)}</span>
        : <span>{calls.state === 'failed' ? `${problemTitle(calls.problem, texts)}.` : words.waiting} <span className="soft">{words.waitingHint}</span></span>}
      {call && <code>{call.request_method} {call.route_path}</code>}
      {call && <Link href={hrefOf({ name: 'token', id: token.id })}>{words.open}</Link>}
    </div>
  );
}
