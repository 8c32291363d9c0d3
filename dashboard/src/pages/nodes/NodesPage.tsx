import '@/panels/people/people.css';
import type { ReactNode } from 'react';
import { addressOfGet } from '@/api/call.ts';
import type { Node } from '@/api/types.ts';
import { useNow } from '@/query/clock.ts';
import { useRefreshed } from '@/query/useRefreshed.ts';
import { StateBadge } from '@/panels/people/StateBadge.tsx';
import { Ago } from '@/ui/Ago.tsx';
import { Badge } from '@/ui/Badge.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { Words } from '@/ui/Words.tsx';
import { Table } from '@/ui/Table.tsx';
import type { Column } from '@/ui/Table.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { ageLevel, droppedLevel, faultsOf, journalLevel, keysLevel } from './health.ts';
import type { Level } from './health.ts';

const Told = ({ level, children, title }: { level: Level; children: ReactNode; title?: string }): ReactNode =>
  (level === 'good' ? <span title={title}>{children}</span> : <Badge kind={level} {...(title ? { title } : {})}>{children}</Badge>);

function Keys({ node }: { node: Node }) {
  const { nodes: words } = useText().people;
  const format = useFormat();
  const { generation, newest } = node.tokens;
  const level = keysLevel(node);
  return <Told level={level}>{level === 'good' ? words.newest(format.exact(generation)) : words.behind(format.exact(generation), format.exact(newest))}</Told>;
}

function Journal({ node }: { node: Node }) {
  const { nodes: words } = useText().people;
  const format = useFormat();
  const now = useNow();
  const { waiting_bytes, oldest_at } = node.usage;
  if (waiting_bytes === 0 || oldest_at === null)
    return <span className="soft">{waiting_bytes === 0 ? words.nothing : format.bytes(waiting_bytes)}</span>;
  return <Told level={journalLevel(node, now)}>{words.waiting(format.bytes(waiting_bytes), format.ago(new Date(oldest_at), now))}</Told>;
}

function useColumns(): Column<Node>[] {
  const { nodes: words } = useText().people;
  const format = useFormat();
  return [
    { key: 'name', head: words.name, isHead: true, cell: (n) => <span className="people-name" title={n.id}>{n.name}</span> },
    { key: 'state', head: words.state, cell: (n) => <StateBadge state={n.state} /> },
    { key: 'version', head: words.version, cell: (n) => <code>{n.version}</code> },
    { key: 'since', head: words.since, cell: (n) => <Ago at={n.started_at} /> },
    { key: 'heard', head: words.heard, cell: (n) => <Ago at={n.reported_at} /> },
    { key: 'keys', head: words.keys, cell: (n) => <Keys node={n} /> },
    { key: 'age', head: words.age, number: true, cell: (n) => (n.tokens.age_ms === null ? <span className="soft" title={words.unknownAge}>–</span>
      : <Told level={ageLevel(n)} title={words.ageHint}>{format.ms(n.tokens.age_ms)}</Told>) },
    { key: 'journal', head: words.journal, cell: (n) => <Journal node={n} /> },
    { key: 'dropped', head: words.dropped, number: true, cell: (n) => <Told level={droppedLevel(n)}>{format.exact(n.usage.dropped)}</Told> },
  ];
}

function Health({ nodes }: { nodes: readonly Node[] }) {
  const { nodes: words } = useText().people;
  const format = useFormat();
  const { silent, lagging, dropping, versions } = faultsOf(nodes);
  const told: [Level, string[], (names: string) => string][] = [['bad', silent, words.silent], ['bad', dropping, words.dropping], ['warn', lagging, words.lagging]];
  const faults = told.filter(([, names]) => names.length > 0);
  return (
    <>
      {faults.map(([level, names, say]) => <Notice key={say(format.list(names))} kind={level}>{say(format.list(names))}</Notice>)}
      {faults.length === 0 && <Notice kind="good">{words.good}</Notice>}
      {versions.length > 0 && <Notice kind="info">{words.versions(format.list(versions))}</Notice>}
    </>
  );
}

export default function NodesPage() {
  const { nodes: words } = useText().people;
  const columns = useColumns();
  const nodes = useRefreshed<{ items: Node[] }>(addressOfGet('/api/nodes'), 'nodes page');
  return (
    <>
      <PageHead title={words.title} />
      <Loaded of={nodes} what={words.title} height={240}>
        {({ items }) => (items.length === 0 ? <Empty title={words.empty} hint={<Words>{words.emptyHint}</Words>} /> : (
          <>
            <Health nodes={items} />
            <section className="panel" aria-label={words.title}><Table caption={words.title} columns={columns} rows={items} rowKey={(n) => n.id} /></section>
          </>
        ))}
      </Loaded>
    </>
  );
}
