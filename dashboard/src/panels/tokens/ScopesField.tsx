import './Choices.css';
import { useId } from 'react';
import { useQuery } from '@/query/useQuery.ts';
import { Loaded } from '@/ui/Loaded.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { routesAddress } from './address.ts';
import { pathsByScope } from './snippets.ts';
import type { Routes } from './snippets.ts';

interface Props { value: readonly string[]; onChange: (scopes: readonly string[]) => void; fault?: string | undefined }

function Choice({ name, about, isChosen, onToggle }: { name: string; about: string; isChosen: boolean; onToggle: () => void }) {
  return (
    <label className="choice">
      <input type="checkbox" checked={isChosen} onChange={onToggle} />
      <span><code>{name}</code><span className="choice-about">{about}</span></span>
    </label>
  );
}

function Choices({ known, value, onChange }: Props & { known: Routes['items'] }) {
  const { form: words } = useText().tokens;
  const format = useFormat();
  const scopes = pathsByScope(known);
  const open = scopes.find((k) => k.scope === null)?.paths ?? [];
  const named = scopes.flatMap((k) => (k.scope === null ? [] : [{ name: k.scope, about: k.paths.join(' ') }]));
  const unasked = value.filter((v) => v !== '*' && !named.some((n) => n.name === v)).map((name) => ({ name, about: words.noRoute }));
  const toggle = (name: string): void => onChange(value.includes(name) ? value.filter((v) => v !== name) : [...value, name]);
  return (
    <>
      <div className="choices-list" tabIndex={0} role="group" aria-label={words.scopesHint}>
        {[...named, ...unasked, { name: '*', about: words.everything }].map((c) => (
          <Choice key={c.name} {...c} isChosen={value.includes(c.name)} onToggle={() => toggle(c.name)} />
        ))}
      </div>
      {open.length > 0 && <span className="field-hint">{words.asksNone} {format.list(open)}</span>}
    </>
  );
}

export function ScopesField(props: Props) {
  const { tokens: words } = useText();
  const id = useId();
  const routes = useQuery<Routes>(routesAddress, 'routes');
  return (
    <fieldset className="choices" aria-describedby={props.fault ? id : undefined}>
      <legend className="field-label">{words.scopes}</legend>
      <span className="field-hint">{words.form.scopesHint}</span>
      <Loaded of={routes} what={words.scopes} height={120}>{(r) => <Choices {...props} known={r.items} />}</Loaded>
      {props.fault && <span id={id} className="field-fault" role="alert">{props.fault}</span>}
    </fieldset>
  );
}
