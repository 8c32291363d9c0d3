import type { Problem } from '@/api/problem.ts';
import { told } from '@/panels/people/faults.ts';
import { isBadLife } from '@/panels/people/ceiling.ts';
import type { TeamDraft } from '@/panels/people/ceiling.ts';
import { UNITS } from '@/panels/people/lifetime.ts';
import { FormDialog } from '@/panels/people/FormDialog.tsx';
import { ScopesField } from '@/panels/tokens/ScopesField.tsx';
import { Check } from '@/ui/Check.tsx';
import { Field } from '@/ui/Field.tsx';
import { Select } from '@/ui/Select.tsx';
import { useText } from '@/ui/reader.tsx';

interface Props {
  title: string;
  go: string;
  draft: TeamDraft;
  onChange: (d: TeamDraft) => void;
  change: { isRunning: boolean; problem: Problem | null; isTried: boolean };
  onSubmit: () => void;
  onClose: () => void;
}

export const isGoodTeam = (d: TeamDraft): boolean => d.name.trim() !== '' && !isBadLife(d);

// A team's name, and what its tokens may have at most.
export function TeamForm({ title, go, draft, onChange, change, onSubmit, onClose }: Props) {
  const { teams: words, form } = useText().people;
  const sent = told(change.problem, ['name', 'scopes_most', 'lifetime_most_s', 'address_ranges_most']);
  const set = (part: Partial<TeamDraft>): void => onChange({ ...draft, ...part });
  const nameFault = change.isTried && draft.name.trim() === '' ? form.required : sent.at.name;
  return (
    <FormDialog title={title} go={go} isRunning={change.isRunning} problem={sent.rest ? change.problem : null} onSubmit={onSubmit} onClose={onClose}>
      <Field label={words.name} value={draft.name} onChange={(name) => set({ name })} fault={nameFault} />
      <p className="soft">{words.boundsHint}</p>
      <Check label={words.limitScopes} value={draft.limitsScopes} onChange={(limitsScopes) => set({ limitsScopes })} />
      {draft.limitsScopes && <ScopesField value={draft.scopes} onChange={(scopes) => set({ scopes })} fault={sent.at.scopes_most} />}
      <div className="people-two">
        <Field label={words.limitLife} value={draft.life} onChange={(life) => set({ life })} hint={words.lifeHint}
          fault={isBadLife(draft) ? form.notANumber : sent.at.lifetime_most_s} />
        <Select label={words.lifeUnit} value={draft.unit} onChange={(unit) => set({ unit })} options={UNITS.map((u) => ({ value: u, label: words.unitNames[u] }))} />
      </div>
      <Field label={words.rangesField} type="area" value={draft.ranges} onChange={(ranges) => set({ ranges })} hint={words.rangesHint} fault={sent.at.address_ranges_most} />
    </FormDialog>
  );
}
