import './audit.css';
import { addressOf } from '@/api/call.ts';
import type { AuditLine } from '@/api/types.ts';
import { useList } from '@/query/useList.ts';
import { ListEmpty } from '@/panels/people/ListEmpty.tsx';
import { More } from '@/panels/people/More.tsx';
import { csvAddress } from '@/panels/question.ts';
import { Empty } from '@/ui/Empty.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { Select } from '@/ui/Select.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { useKeys } from '@/ui/useKeys.ts';
import { ANY_TEXT, AN_ID } from '@/url/params.ts';
import { useParams } from '@/url/useParams.ts';
import type { InAddress } from '@/url/useParams.ts';
import { AuditPills } from './AuditPills.tsx';
import { AuditTable } from './AuditTable.tsx';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;
const SHAPES = {
  action: /^[a-z_]+\.[a-z_]+$/, target: /^[a-z_]+$/, target_id: ANY_TEXT, actor: ANY_TEXT, user: ANY_TEXT, team: AN_ID, from: INSTANT, to: INSTANT,
} as const;
export type AuditFilters = InAddress<keyof typeof SHAPES>;

function AuditBar({ filters }: { filters: AuditFilters }) {
  const { audit: words } = useText().people;
  const me = useSignedIn();
  const things = Object.entries(words.things).map(([value, label]) => ({ value, label }));
  return (
    <div className="audit-bar">
      <Select label={words.target} value={filters.params.target ?? ''} onChange={(target) => filters.set({ target, target_id: '' })}
        options={[{ value: '', label: words.allTargets }, ...things]} />
      {me.teams.length > 0 && (
        <Select label={words.team} value={filters.params.team ?? ''} onChange={(team) => filters.set({ team })}
          options={[{ value: '', label: words.allTeams }, ...me.teams.map((t) => ({ value: String(t.id), label: t.name }))]} />
      )}
    </div>
  );
}

// Who changed what, newest first.
export default function AuditPage() {
  const { people, common } = useText();
  const { audit: words, list: listWords } = people;
  const me = useSignedIn();
  const filters = useParams(SHAPES);
  const address = me.may.manage ? addressOf('/api/audit', null, filters.params) : null;
  const list = useList<AuditLine>(address, 'audit');
  const clear = Object.keys(filters.params).length > 0 ? filters.clear : null;
  useKeys({ Escape: () => clear?.() });
  return (
    <>
      <PageHead title={words.title}>{address && <a className="button" href={csvAddress(address)} download>{common.act.download}</a>}</PageHead>
      {filters.bad.length > 0 && <Notice kind="warn">{listWords.bad(filters.bad.join(', '))}</Notice>}
      {address === null ? <Empty title={words.onlyManagers} /> : (
        <>
          <AuditBar filters={filters} />
          <AuditPills filters={filters} />
          <section className="panel" aria-label={words.title}>
            <Loaded of={list.first} what={words.title} height={400}>
              {(page) => (page.items.length > 0 ? <AuditTable lines={list.items} href={filters.href} /> : <ListEmpty title={words.empty} clear={clear} />)}
            </Loaded>
            <More list={list} />
          </section>
        </>
      )}
    </>
  );
}
