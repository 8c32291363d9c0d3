import { useDeferredValue, useState } from 'react';
import { addressOfGet } from '@/api/call.ts';
import type { User } from '@/api/types.ts';
import type { ListPage } from '@/query/useList.ts';
import { useQuery } from '@/query/useQuery.ts';
import { Field } from '@/ui/Field.tsx';
import { ProblemNotice } from '@/ui/ProblemNotice.tsx';
import { Select } from '@/ui/Select.tsx';
import { useText } from '@/ui/reader.tsx';
import { looksLikeKey } from '@/url/keyish.ts';

interface Props { value: string; onChange: (id: string) => void; without?: readonly number[]; fault?: string | undefined }

// One of those whom the reader may take into a team; a search where they are many.
export function UserPicker({ value, onChange, without = [], fault }: Props) {
  const { picker: words, kind } = useText().people;
  const [q, setQ] = useState('');
  const asked = useDeferredValue(looksLikeKey(q) ? '' : q.trim());
  const users = useQuery<ListPage<User>>(addressOfGet('/api/users', { query: { q: asked, state: 'active', limit: 100 } }), 'user picker');
  const page = 'data' in users ? users.data : undefined;
  const found = (page?.items ?? []).filter((u) => !without.includes(u.id));
  const options = [
    { value: '', label: page && found.length === 0 ? words.nobody : words.choose },
    ...found.map((u) => ({ value: String(u.id), label: u.kind === 'service' ? `${u.name} (${kind.service})` : u.name })),
  ];
  return (
    <>
      {(q !== '' || page?.next) && <Field label={words.search} type="search" value={q} onChange={(text) => { setQ(text); onChange(''); }} />}
      <Select label={words.who} value={value} options={options} onChange={onChange} fault={fault} hint={page?.next ? words.more : undefined} />
      {users.state === 'failed' && <ProblemNotice problem={users.problem} retry={users.retry} />}
    </>
  );
}
