import '@/panels/people/people.css';
import { useState } from 'react';
import { addressOf } from '@/api/call.ts';
import type { Team } from '@/api/types.ts';
import { useList } from '@/query/useList.ts';
import { ListEmpty } from '@/panels/people/ListEmpty.tsx';
import { More } from '@/panels/people/More.tsx';
import { Button } from '@/ui/Button.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { SearchField } from '@/ui/SearchField.tsx';
import { Select } from '@/ui/Select.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { useKeys } from '@/ui/useKeys.ts';
import { ANY_TEXT } from '@/url/params.ts';
import { useParams } from '@/url/useParams.ts';
import { CreateTeam } from './CreateTeam.tsx';
import { TeamTable } from './TeamTable.tsx';

const SHAPES = { q: ANY_TEXT, state: /^(active|disabled)$/ } as const;

function TeamBar({ filters }: { filters: ReturnType<typeof useParams<keyof typeof SHAPES>> }) {
  const { people } = useText();
  const { params, set } = filters;
  return (
    <div className="people-bar">
      <SearchField label={people.list.search} value={params.q ?? ''} onChange={(q) => set({ q }, 'replace')} />
      <Select label={people.list.state} value={params.state ?? ''} onChange={(state) => set({ state })} options={[
        { value: '', label: people.list.anyState }, { value: 'active', label: people.state.active }, { value: 'disabled', label: people.state.disabled }]} />
    </div>
  );
}

export default function TeamsPage() {
  const { people: { teams: words, list: listWords } } = useText();
  const me = useSignedIn();
  const filters = useParams(SHAPES);
  const [isCreating, setCreating] = useState(false);
  const list = useList<Team>(addressOf('/api/teams', null, filters.params), 'teams page');
  const clear = Object.keys(filters.params).length > 0 ? filters.clear : null;
  useKeys({ Escape: () => clear?.() });
  const create = me.may.administer && <Button kind="main" onClick={() => setCreating(true)}>{words.create}</Button>;
  return (
    <>
      <PageHead title={words.title}>{create}</PageHead>
      {filters.bad.length > 0 && <Notice kind="warn">{listWords.bad(filters.bad.join(', '))}</Notice>}
      <TeamBar filters={filters} />
      <section className="panel" aria-label={words.title}>
        <Loaded of={list.first} what={words.title} height={320}>
          {(page) => (page.items.length > 0 ? <TeamTable teams={list.items} />
            : <ListEmpty title={words.empty} hint={me.may.administer ? words.emptyHint : words.emptyMember} acts={create} clear={clear} />)}
        </Loaded>
        <More list={list} />
      </section>
      {isCreating && <CreateTeam onClose={() => setCreating(false)} />}
    </>
  );
}
