import './audit.css';
import type { AuditLine } from '@/api/types.ts';
import { Link } from '@/ui/Link.tsx';
import { Table } from '@/ui/Table.tsx';
import type { Column } from '@/ui/Table.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';
import { changedFields, partsOf } from './changed.ts';

export type AuditHref = (part: { action?: string; target?: string; target_id?: string; actor?: string }) => string;
type Words = Record<string, string>;
// More are shown when they are asked for.
const MOST = 3;

// As it is called here, or as the server calls it.
const wordOf = (words: Words, name: string): string => words[name] ?? name;

function Changes({ line }: { line: AuditLine }) {
  const { audit } = useText().people;
  const format = useFormat();
  const changes = changedFields(line);
  if (changes.length === 0)
    return <span className="soft">–</span>;
  const list = (
    <dl className="audit-changes">
      {changes.map((c) => (
        <div key={c.field}>
          <dt>{c.field}</dt>
          <dd>{c.before !== null && <del aria-label={audit.was}>{c.before}</del>}{c.before !== null && c.after !== null && ' → '}
            {c.after !== null && <ins aria-label={audit.is}>{c.after}</ins>}</dd>
        </div>
      ))}
    </dl>
  );
  if (changes.length <= MOST)
    return list;
  return <details><summary>{audit.fields(changes.length, format.exact(changes.length))}</summary>{list}</details>;
}

function targetHref(line: AuditLine): string | null {
  const id = Number(line.target_id);
  if (!Number.isSafeInteger(id) || id <= 0)
    return null;
  if (line.target === 'token' || line.target === 'team' || line.target === 'user')
    return hrefOf({ name: line.target, id });
  return null;
}

function Target({ line, href }: { line: AuditLine; href: AuditHref }) {
  const { audit } = useText().people;
  const to = targetHref(line);
  const name = `${wordOf(audit.things, line.target)} ${line.target_id ?? ''}`;
  return (
    <span className="audit-lines">
      {to ? <Link href={to}>{name}</Link> : <span>{name}</span>}
      {line.target_id !== null && <Link className="soft" href={href({ target: line.target, target_id: line.target_id })}>{audit.history}</Link>}
    </span>
  );
}

export function AuditTable({ lines, href }: { lines: readonly AuditLine[]; href: AuditHref }) {
  const { audit: words } = useText().people;
  const format = useFormat();
  const action = (l: AuditLine): string => {
    const { thing, verb } = partsOf(l.action);
    return words.action(wordOf(words.things, thing), wordOf(words.verbs, verb));
  };
  const columns: Column<AuditLine>[] = [
    { key: 'at', head: words.at, isHead: true, cell: (l) => <time dateTime={l.created_at}>{format.instant(new Date(l.created_at))}</time> },
    { key: 'who', head: words.who, cell: (l) => (
      <span className="audit-lines"><Link className="filter-value" href={href({ actor: l.actor })} title={words.only(l.actor)}>{l.actor}</Link>
        {l.acting !== null && <span className="soft">{words.actingFor(l.acting)}</span>}</span>) },
    { key: 'what', head: words.what, cell: (l) => <Link className="filter-value" href={href({ action: l.action })} title={words.only(l.action)}>{action(l)}</Link> },
    { key: 'target', head: words.target, cell: (l) => <Target line={l} href={href} /> },
    { key: 'changes', head: words.changes, cell: (l) => <Changes line={l} /> },
    { key: 'from', head: words.from, cell: (l) => <span className="audit-lines"><code>{l.address ?? words.byHand}</code>{l.request_id && <code className="soft audit-id">{l.request_id}</code>}</span> },
  ];
  return <Table caption={words.title} columns={columns} rows={lines} rowKey={(l) => String(l.id)} />;
}
