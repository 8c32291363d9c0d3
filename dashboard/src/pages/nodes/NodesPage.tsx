import { addressOfGet } from '@/api/call.ts';
import type { Node } from '@/api/types.ts';
import { useRefreshed } from '@/query/useRefreshed.ts';
import { StateBadge } from '@/panels/people/StateBadge.tsx';
import { Ago } from '@/ui/Ago.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { Milliseconds } from '@/ui/Number.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { Table } from '@/ui/Table.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';

const names = (nodes: readonly Node[]): string[] => nodes.map((n) => n.name);

// What is wrong with any of them, before the table that says with which number.
function Verdict({ nodes }: { nodes: readonly Node[] }) {
  const { nodes: words } = useText().people;
  const format = useFormat();
  const silent = nodes.filter((n) => n.state === 'silent');
  const lagging = nodes.filter((n) => n.state === 'live' && !n.tokens.is_newest);
  const dropping = nodes.filter((n) => n.usage.dropped > 0);
  const versions = [...new Set(nodes.map((n) => n.version))];
  const isGood = silent.length === 0 && lagging.length === 0 && dropping.length === 0;
  return (
    <>
      {silent.length > 0 && <Notice kind="bad">{words.silent(format.list(names(silent)))}</Notice>}
      {lagging.length > 0 && <Notice kind="warn">{words.lagging(format.list(names(lagging)))}</Notice>}
      {dropping.length > 0 && <Notice kind="warn">{words.dropping(format.list(names(dropping)))}</Notice>}
      {versions.length > 1 && <Notice kind="warn">{words.versions(format.list(versions))}</Notice>}
      {isGood && <Notice kind="good">{words.good}</Notice>}
    </>
  );
}

function NodeTable({ nodes }: { nodes: readonly Node[] }) {
  const { nodes: words } = useText().people;
  const format = useFormat();
  const generation = (n: Node): string => (n.tokens.is_newest
    ? words.newest(format.exact(n.tokens.generation)) : words.behind(format.exact(n.tokens.generation), format.exact(n.tokens.newest)));
  const waiting = (n: Node) => (n.usage.waiting_bytes === 0 ? words.nothing : words.waiting(format.bytes(n.usage.waiting_bytes),
    n.usage.oldest_at === null ? words.unknownAge : format.ago(new Date(n.usage.oldest_at), new Date())));
  return (
    <Table caption={words.title} rows={nodes} rowKey={(n) => n.id} columns={[
      { key: 'name', head: words.name, isHead: true, cell: (n) => n.name },
      { key: 'state', head: words.state, cell: (n) => <StateBadge state={n.state} /> },
      { key: 'version', head: words.version, cell: (n) => <code>{n.version}</code> },
      { key: 'since', head: words.since, cell: (n) => <Ago at={n.started_at} /> },
      { key: 'heard', head: words.heard, cell: (n) => <Ago at={n.reported_at} /> },
      { key: 'keys', head: words.keys, cell: (n) => <span className={n.tokens.is_newest ? undefined : 'warn'}>{generation(n)}</span> },
      { key: 'age', head: <span title={words.ageHint}>{words.age}</span>, number: true,
        cell: (n) => (n.tokens.age_ms === null ? words.unknownAge : <Milliseconds value={n.tokens.age_ms} />) },
      { key: 'journal', head: words.journal, number: true, cell: waiting },
      { key: 'dropped', head: words.dropped, number: true, cell: (n) => <span className={n.usage.dropped > 0 ? 'warn' : undefined}>{format.exact(n.usage.dropped)}</span> },
    ]} />
  );
}

export default function NodesPage() {
  const { nodes: words } = useText().people;
  const nodes = useRefreshed<{ items: Node[] }>(addressOfGet('/api/nodes'), 'nodes');
  return (
    <>
      <PageHead title={words.title} />
      <Loaded of={nodes} what={words.title} height={240}>
        {({ items }) => (items.length === 0 ? <Empty title={words.empty} hint={words.emptyHint} /> : (
          <><Verdict nodes={items} /><Panel title={words.title} flush><NodeTable nodes={items} /></Panel></>
        ))}
      </Loaded>
    </>
  );
}
