import './Audit.css';
import type { AuditLine } from '@/api/types.ts';
import { useFormat, useText } from '@/ui/reader.tsx';
import { diffOf, printValue } from './diff.ts';
import type { Changed } from './diff.ts';

function Value({ value, kind }: { value: unknown; kind: 'ins' | 'del' }) {
  const { audit: words } = useText().people;
  const text = printValue(value);
  if (text === null)
    return <span className="soft">{words.none}</span>;
  return kind === 'ins' ? <ins><span className="only-read">{words.is} </span>{text}</ins> : <del><span className="only-read">{words.was} </span>{text}</del>;
}

function Field({ of: { name, before, after }, kind }: { of: Changed; kind: 'both' | 'ins' | 'del' }) {
  return (
    <span>
      <code>{name}</code>{': '}
      {kind !== 'ins' && <Value value={before} kind="del" />}
      {kind === 'both' && ' → '}
      {kind !== 'del' && <Value value={after} kind="ins" />}
    </span>
  );
}

// The fields that a change touched; many, and all of what began or ended, are folded.
const MOST = 4;

export function Changes({ line }: { line: AuditLine }) {
  const { audit: words } = useText().people;
  const format = useFormat();
  const fields = diffOf(line.before, line.after);
  if (fields.length === 0)
    return null;
  if (line.before !== null && line.after !== null && fields.length <= MOST)
    return <div className="audit-diff">{fields.map((f) => <Field key={f.name} of={f} kind="both" />)}</div>;
  const kind = line.before === null ? 'ins' : line.after === null ? 'del' : 'both';
  return (
    <details className="audit-diff">
      <summary>{words.fields(fields.length, format.exact(fields.length))}</summary>
      <div className="audit-diff">{fields.map((f) => <Field key={f.name} of={f} kind={kind} />)}</div>
    </details>
  );
}
