import '@/panels/people/people.css';
import { addressOf } from '@/api/call.ts';
import type { AuditLine } from '@/api/types.ts';
import { useList } from '@/query/useList.ts';
import { saveCsv } from '@/panels/csv.ts';
import { ListEmpty } from '@/panels/people/ListEmpty.tsx';
import { More } from '@/panels/people/More.tsx';
import { browserZone } from '@/time/zone.ts';
import { Button } from '@/ui/Button.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { useSignedIn } from '@/ui/me.ts';
import { useText } from '@/ui/reader.tsx';
import { useKeys } from '@/ui/useKeys.ts';
import { useParams } from '@/url/useParams.ts';
import { AuditBar } from './AuditBar.tsx';
import { AuditTable } from './AuditTable.tsx';
import { SHAPES, questionOf } from './filters.ts';
import { useNames } from './useNames.ts';

function Lines() {
  const { audit: words, list: listWords } = useText().people;
  const filters = useParams(SHAPES);
  const names = useNames();
  const { query, bad } = questionOf(filters.params, browserZone());
  const list = useList<AuditLine>(addressOf('/api/audit', null, query), 'audit page');
  const clear = Object.keys(filters.params).length > 0 ? filters.clear : null;
  const allBad = [...filters.bad, ...bad];
  useKeys({ Escape: () => clear?.() });
  return (
    <>
      <PageHead title={words.title}>
        <Button onClick={() => saveCsv(words.title, addressOf('/api/audit', null, { ...query, format: 'csv', bom: true }))}><Icon name="download" />{listWords.csv}</Button>
      </PageHead>
      {allBad.length > 0 && <Notice kind="warn">{listWords.bad(allBad.join(', '))}</Notice>}
      <AuditBar filters={filters} names={names} />
      <section className="panel" aria-label={words.title}>
        <Loaded of={list.first} what={words.title} height={480}>
          {(page) => (page.items.length > 0 ? <AuditTable lines={list.items} names={names} /> : <ListEmpty title={words.empty} clear={clear} />)}
        </Loaded>
        <More list={list} />
      </section>
    </>
  );
}

export default function AuditPage() {
  const { audit: words } = useText().people;
  const me = useSignedIn();
  return me.may.manage ? <Lines /> : <><PageHead title={words.title} /><Empty title={words.onlyManagers} /></>;
}
