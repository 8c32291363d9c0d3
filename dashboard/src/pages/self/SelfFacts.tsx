import type { ReactNode } from 'react';
import type { Self } from '@/api/types.ts';
import { Ago } from '@/ui/Ago.tsx';
import { Badge } from '@/ui/Badge.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';

const instant = (at: string | null): Date | null => (at === null ? null : new Date(at));

export function SelfFacts({ self, acts }: { self: Self; acts: ReactNode }) {
  const { tokens: words } = useText();
  const format = useFormat();
  const ends = instant(self.expires_at);
  const secretEnds = instant(self.secret_expires_at);
  const facts: [string, ReactNode][] = [
    [words.name, self.name],
    [words.state, <Badge key="state" kind={self.state === 'active' ? 'good' : 'bad'}>{words.states[self.state]}</Badge>],
    [words.scopes, self.scopes.length > 0 ? self.scopes.join(', ') : words.noScopes],
    [words.expires, ends ? <>{format.instant(ends)} (<Ago at={self.expires_at} />)</> : words.neverExpires],
    [words.lastUsed, <Ago key="used" at={self.last_used_at} never={words.neverUsed} />],
    [words.created, <Ago key="made" at={self.created_at} />],
    [words.self.from, self.address_ranges?.join(', ') || words.self.anywhere],
  ];
  return (
    <Panel title={words.self.facts} tools={acts}>
      {secretEnds && <Notice kind="warn">{words.self.secretUntil(format.instant(secretEnds))}</Notice>}
      <dl className="self-facts">
        {facts.map(([name, value]) => <div key={name} style={{ display: 'contents' }}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
    </Panel>
  );
}
