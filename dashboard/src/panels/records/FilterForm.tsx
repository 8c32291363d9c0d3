import './records.css';
import { useState } from 'react';
import { Button } from '@/ui/Button.tsx';
import { Field } from '@/ui/Field.tsx';
import { Menu } from '@/ui/Menu.tsx';
import { Select } from '@/ui/Select.tsx';
import { useText } from '@/ui/reader.tsx';
import { NO_FILTERS } from '@/url/filters.ts';
import type { Filters } from '@/url/filters.ts';
import { useView } from '@/url/useView.ts';
import { draftFaults, draftOf, filtersOf } from './draft.ts';
import type { Draft, DraftName } from './draft.ts';
import { OUTCOMES } from './outcomes.ts';
import type { Own } from './useRecords.ts';

const CLASSES = ['2xx', '3xx', '4xx', '5xx', '1xx'] as const;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;

interface FormProps { filters: Filters; own: Own; onApply: (f: Filters) => void }

function Form({ filters, own, onApply }: FormProps) {
  const { records } = useText();
  const { form } = records;
  const [draft, setDraft] = useState<Draft>(() => draftOf(filters));
  const faults = draftFaults(draft);
  const field = (name: DraftName, hint?: string) => (
    <Field label={form[name]} value={draft[name]} hint={hint} fault={faults.includes(name) ? records.wrong : null}
      onChange={(text) => setDraft({ ...draft, [name]: text })} />
  );
  const select = (name: 'class' | 'outcome' | 'method', values: readonly string[]) => (
    <Select label={form[name]} value={draft[name]} onChange={(value) => setDraft({ ...draft, [name]: value })}
      options={['', ...new Set([...values, draft[name]].filter(Boolean))].map((value) => ({ value, label: value || records.any }))} />
  );
  return (
    <form className="filter-form" onSubmit={(e) => { e.preventDefault(); if (faults.length === 0) onApply(filtersOf(draft, filters)); }}>
      {field('status', form.statusHint)}
      {select('class', CLASSES)}
      {select('outcome', OUTCOMES)}
      {select('method', METHODS)}
      {field('min_ms')}
      {field('address', form.addressHint)}
      {own.token === undefined && field('token')}
      {own.route === undefined && field('route', form.routeHint)}
      <div className="filter-form-acts">
        <Button onClick={() => onApply(NO_FILTERS)}>{records.clear}</Button>
        <Button kind="main" type="submit" disabled={faults.length > 0}>{records.apply}</Button>
      </div>
    </form>
  );
}

// Filters that are no value in sight to click on.
export function FilterForm({ own }: { own: Own }) {
  const { records } = useText();
  const [view, change] = useView();
  return (
    <Menu label={records.filter} face={records.filter} align="right">
      {(close) => <Form filters={view.filters} own={own} onApply={(filters) => { change({ filters }); close(); }} />}
    </Menu>
  );
}
