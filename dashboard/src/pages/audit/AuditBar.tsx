import '@/panels/FilterPills.css';
import { useState } from 'react';
import { TeamPicker } from '@/panels/people/TeamPicker.tsx';
import { Button } from '@/ui/Button.tsx';
import { Field } from '@/ui/Field.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { Select } from '@/ui/Select.tsx';
import { useText } from '@/ui/reader.tsx';
import { looksLikeKey } from '@/url/keyish.ts';
import type { InAddress } from '@/url/useParams.ts';
import { NAMES } from './filters.ts';
import type { Name } from './filters.ts';
import type { Names } from './useNames.ts';

interface Props { filters: InAddress<Name>; names: Names }

// The actions that there are, by what they are done to.
const VERBS: Readonly<Record<string, readonly string[]>> = {
  token: ['created', 'changed', 'disabled', 'enabled', 'rotated', 'revoked', 'deleted', 'restored', 'many'],
  team: ['created', 'changed', 'disabled', 'enabled', 'deleted'], user: ['created', 'changed', 'disabled', 'enabled', 'removed', 'restored', 'linked'],
  member: ['created', 'changed', 'deleted'], user_key: ['created', 'revoked'], identity: ['created', 'deleted'], session: ['created', 'ended'],
  access_request: ['refused'], sign_in: ['refused'], export: ['begun', 'ended'], audit: ['pruned'],
};

// Typed ones are asked for when they are all there.
function Typed({ filters: { params, set } }: { filters: InAddress<Name> }) {
  const { people: { audit: words, form }, common } = useText();
  const [user, setUser] = useState(params.user ?? '');
  const [from, setFrom] = useState(params.from ?? '');
  const [to, setTo] = useState(params.to ?? '');
  const isBackward = from !== '' && to !== '' && from >= to;
  const isBad = isBackward || looksLikeKey(user);
  return (
    <form className="people-bar" onSubmit={(e) => { e.preventDefault(); if (!isBad) set({ user: user.trim(), from, to }); }}>
      <Field label={words.by} value={user} onChange={setUser} />
      <Field label={words.since} type="datetime-local" value={from} onChange={setFrom} />
      <Field label={words.until} type="datetime-local" value={to} onChange={setTo} fault={isBackward ? form.endsBefore : null} />
      <Button type="submit" disabled={isBad}>{common.act.apply}</Button>
    </form>
  );
}

function Pills({ filters: { params, set, clear }, names }: Props) {
  const { people: { audit: words }, common } = useText();
  const value = (name: Name): string => {
    const text = params[name] ?? '';
    return name === 'action' ? names.action(text) : name === 'target' ? names.thing(text) : name === 'team' ? names.team(Number(text)) : text;
  };
  const all = NAMES.filter((name) => params[name] !== undefined).map((name) => ({ name, text: `${words.pill[name]}: ${value(name)}` }));
  return all.length === 0 ? null : (
    <ul className="pills" aria-label={words.filters}>
      {all.map(({ name, text }) => (
        <li key={name} className="pill"><span>{text}</span>
          <Button kind="quiet" label={words.takeAway(text)} onClick={() => set({ [name]: '' })}><Icon name="close" /></Button></li>
      ))}
      {all.length > 1 && <li><Button kind="quiet" onClick={clear}>{common.act.clear}</Button></li>}
    </ul>
  );
}

export function AuditBar({ filters, names }: Props) {
  const { audit: words } = useText().people;
  const { params, set } = filters;
  const targets = Object.keys(VERBS);
  const actions = (params.target && VERBS[params.target] ? [params.target] : targets).flatMap((t) => (VERBS[t] ?? []).map((v) => `${t}.${v}`));
  const known = params.action && !actions.includes(params.action) ? [params.action, ...actions] : actions;
  return (
    <>
      <div className="people-bar">
        <Select label={words.target} value={params.target ?? ''} onChange={(target) => set({ target, target_id: '', action: '' })}
          options={[{ value: '', label: words.allTargets }, ...targets.map((t) => ({ value: t, label: names.thing(t) }))]} />
        <Select label={words.what} value={params.action ?? ''} onChange={(action) => set({ action })}
          options={[{ value: '', label: words.allActions }, ...known.map((a) => ({ value: a, label: names.action(a) }))]} />
        <TeamPicker label={words.team} none={words.allTeams} value={params.team ?? ''} onChange={(team) => set({ team })} />
      </div>
      <Typed key={`${params.user} ${params.from} ${params.to}`} filters={filters} />
      <Pills filters={filters} names={names} />
    </>
  );
}
