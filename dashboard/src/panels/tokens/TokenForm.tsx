import './TokenForm.css';
import type { ReactNode } from 'react';
import type { Problem } from '@/api/problem.ts';
import type { Token } from '@/api/types.ts';
import { Button } from '@/ui/Button.tsx';
import { Field } from '@/ui/Field.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { useText } from '@/ui/reader.tsx';
import { faultsOf } from './draft.ts';
import type { Draft, Faults } from './draft.ts';
import { ExpiryField } from './ExpiryField.tsx';
import { ScopesField } from './ScopesField.tsx';
import { TeamField } from './TeamField.tsx';

interface Props {
  draft: Draft;
  onChange: (d: Draft) => void;
  token?: Token; // that is edited
  problem: Problem | null;
  own: Faults;   // found before anything was sent
  acts: ReactNode;
  onSubmit: () => void;
}

export function TokenForm({ draft, onChange, token, problem, own, acts, onSubmit }: Props) {
  const { tokens: words } = useText();
  const sent = faultsOf(problem);
  const faults = { ...sent.at, ...own };
  const set = <K extends keyof Draft>(part: K) => (value: Draft[K]): void => onChange({ ...draft, [part]: value });
  return (
    <form className="token-form" noValidate onSubmit={(e) => { e.preventDefault(); onSubmit(); }}>
      <Field label={words.name} value={draft.name} onChange={set('name')} fault={faults.name} />
      <Field label={words.description} type="area" value={draft.description} onChange={set('description')} hint={words.descriptionHint} fault={faults.description} />
      <TeamField value={draft.team} own={token?.team ?? null} onChange={set('team')} fault={faults.team} />
      <ScopesField value={draft.scopes} onChange={set('scopes')} fault={faults.scopes} />
      <ExpiryField value={draft.expiry} {...(token ? { before: token.expires_at } : {})} onChange={set('expiry')} fault={faults.expiry} />
      <Field label={words.form.ranges} type="area" value={draft.ranges} onChange={set('ranges')} hint={words.form.rangesHint} fault={faults.ranges} />
      {problem && sent.rest && <ProblemNotice problem={problem} />}
      <div className="dialog-acts">{acts}</div>
    </form>
  );
}

export function SubmitActs({ go, onClose, isRunning }: { go: string; onClose: () => void; isRunning: boolean }) {
  const { act } = useText().common;
  return (
    <>
      <Button onClick={onClose}>{act.cancel}</Button>
      <Button type="submit" kind="main" disabled={isRunning}>{go}</Button>
    </>
  );
}
