import './Table.css';
import type { ReactNode } from 'react';
import { useText } from './reader.tsx';

export interface Column<R> {
  key: string;
  head: ReactNode;
  cell: (row: R) => ReactNode;
  number?: boolean;   // to the right, figures of one width
  isHead?: boolean;   // names its row
  sort?: string;      // the order that a click asks for; "-" before it turns it round
  hide?: 'phone' | 'tablet'; // where there is no room for it: up to that width
}

const classOf = <R,>(c: Column<R>): string | undefined =>
  [c.number ? 'number' : '', c.hide ? `table-hide-${c.hide}` : ''].filter(Boolean).join(' ') || undefined;

interface Props<R> {
  caption: string;    // spoken
  columns: readonly Column<R>[];
  rows: readonly R[];
  rowKey: (row: R) => string;
  order?: string | undefined;
  onOrder?: (order: string) => void;
}

const turned = (sort: string, order: string | undefined): string => (order === sort ? (sort.startsWith('-') ? sort.slice(1) : `-${sort}`) : sort);

function Head<R>({ column: c, order, onOrder }: { column: Column<R> } & Pick<Props<R>, 'order' | 'onOrder'>) {
  const { table } = useText().common;
  const plain = c.sort?.replace(/^-/, '');
  const isOrder = plain !== undefined && order?.replace(/^-/, '') === plain;
  const isDown = order?.startsWith('-') === true;
  return (
    <th scope="col" className={classOf(c)}
      aria-sort={isOrder ? (isDown ? 'descending' : 'ascending') : undefined}>
      {c.sort === undefined || !onOrder ? c.head : (
        <button type="button" className="table-sort" onClick={() => onOrder(turned(c.sort ?? '', order))}
          title={turned(c.sort, order).startsWith('-') ? table.sortDown : table.sortUp}>{c.head}{isOrder ? (isDown ? ' ↓' : ' ↑') : ''}</button>
      )}
    </th>
  );
}

// Wide ones scroll sideways in their own box, by keys as well.
export function Table<R>({ caption, columns, rows, rowKey, order, onOrder }: Props<R>) {
  const { table } = useText().common;
  return (
    <div className="table-box" tabIndex={0} role="group" aria-label={caption}>
      <table className="table">
        <caption className="only-read">{caption}</caption>
        <thead>
          <tr>{columns.map((c) => <Head key={c.key} column={c} order={order} {...(onOrder ? { onOrder } : {})} />)}</tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((c) => (c.isHead
                ? <th key={c.key} scope="row" className={classOf(c)}>{c.cell(row)}</th>
                : <td key={c.key} className={classOf(c)}>{c.cell(row)}</td>))}
            </tr>
          ))}
          {rows.length === 0 && <tr><td colSpan={columns.length} className="soft">{table.empty}</td></tr>}
        </tbody>
      </table>
    </div>
  );
}
