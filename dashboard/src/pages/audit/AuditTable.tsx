import './Audit.css';
import type { ReactNode } from 'react';
import type { AuditLine } from '@/api/types.ts';
import { Badge } from '@/ui/Badge.tsx';
import { Link } from '@/ui/Link.tsx';
import { Table } from '@/ui/Table.tsx';
import type { Column } from '@/ui/Table.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';
import { useParams } from '@/url/useParams.ts';
import { Changes } from './Changes.tsx';
import { nameIn, pageOfTarget } from './diff.ts';
import { SHAPES } from './filters.ts';
import type { Filters } from './filters.ts';
import type { Names } from './useNames.ts';

function Only({ of, what, children }: { of: Filters; what: string; children: ReactNode }) {
  const { audit: words } = useText().people;
  const { href } = useParams(SHAPES);
  return <Link className="audit-value" href={href(of)} title={words.only(what)}>{children}</Link>;
}

function Who({ line }: { line: AuditLine }) {
  const { audit: words } = useText().people;
  return (
    <span className="people-lines">
      <Only of={line.user_id === null ? { actor: line.actor } : { user: String(line.user_id) }} what={line.actor}>{line.actor}</Only>
      {line.user_id === null && <span className="soft">{words.byHand}</span>}
      {line.acting && <span className="soft">{words.actingFor(line.acting)}</span>}
    </span>
  );
}

function Target({ line, names }: { line: AuditLine; names: Names }) {
  const { audit: words } = useText().people;
  const page = pageOfTarget(line);
  const name = nameIn(line.before, line.after) ?? (line.target_id === null ? names.thing(line.target) : `${names.thing(line.target)} ${line.target_id}`);
  return (
    <span className="people-lines">
      {page ? <Link className="people-name" href={hrefOf(page)}>{name}</Link> : <span className="people-name">{name}</span>}
      {line.target_id !== null && <Only of={{ target: line.target, target_id: line.target_id }} what={name}><small>{words.history}</small></Only>}
    </span>
  );
}

function Team({ line, names }: { line: AuditLine; names: Names }) {
  const { audit: words } = useText().people;
  if (line.team_id === null && line.former_team_id === null)
    return <>–</>;
  const id = line.team_id ?? line.former_team_id;
  const is = line.team_id === null ? words.none : names.team(line.team_id);
  const text = line.former_team_id === null ? is : words.moved(names.team(line.former_team_id), is);
  return <Only of={{ team: String(id) }} what={text}>{text}</Only>;
}

function useColumns(names: Names): Column<AuditLine>[] {
  const { audit: words } = useText().people;
  const format = useFormat();
  return [
    { key: 'at', head: words.at, cell: (l) => <time dateTime={l.created_at} title={`${l.created_at} (${format.zone})`}>{format.instant(new Date(l.created_at))}</time> },
    { key: 'who', head: words.who, cell: (l) => <Who line={l} /> },
    { key: 'what', head: words.what, cell: (l) => <Only of={{ action: l.action }} what={names.action(l.action)}><Badge title={l.action}>{names.action(l.action)}</Badge></Only> },
    { key: 'target', head: words.target, isHead: true, cell: (l) => <Target line={l} names={names} /> },
    { key: 'changes', head: words.changes, cell: (l) => <Changes line={l} /> },
    { key: 'team', head: words.team, cell: (l) => <Team line={l} names={names} /> },
    { key: 'from', head: words.from, cell: (l) => (
      <span className="people-lines">
        {l.address ? <code>{l.address}</code> : '–'}
        {l.request_id && <code className="audit-request soft" title={`${words.request} ${l.request_id}`}>{l.request_id}</code>}
      </span>) },
  ];
}

export function AuditTable({ lines, names }: { lines: readonly AuditLine[]; names: Names }) {
  const { audit: words } = useText().people;
  const columns = useColumns(names);
  return <Table caption={words.title} columns={columns} rows={lines} rowKey={(l) => String(l.id)} />;
}
