import './records.css';
import { addressOfGet } from '@/api/call.ts';
import type { ExplainedCall } from '@/api/types.ts';
import { useQuery } from '@/query/useQuery.ts';
import { Dialog } from '@/ui/Dialog.tsx';
import { Empty } from '@/ui/Empty.tsx';
import { Button } from '@/ui/Button.tsx';
import { Loaded } from '@/ui/Loaded.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { Skeleton } from '@/ui/Skeleton.tsx';
import { useText } from '@/ui/reader.tsx';
import { hrefWith, useOwn } from '@/url/own.ts';
import { go } from '@/url/place.ts';
import { isOurId } from '../callHref.ts';
import { CallRecord } from './lazy.ts';

function Record({ id, zone }: { id: string; zone: string }) {
  const { records, common } = useText();
  const result = useQuery<ExplainedCall>(addressOfGet('/api/usage/logs/{request_id}', { path: { request_id: id } }), `call ${id}`);
  if (result.state === 'failed' && result.problem.status === 404)
    return <Empty title={records.call.missing} acts={<Button onClick={result.retry}>{common.act.retry}</Button>} />;
  return <Loaded of={result} what={records.call.title} height={420}>{(call) => (
    <CallRecord call={call} zone={zone} waiting={<Skeleton height={420} what={records.call.title} />} />
  )}</Loaded>;
}

// The record of the call that the address names, over the page.
export function CallDialog({ zone }: { zone: string }) {
  const { call } = useText().records;
  const id = useOwn('call');
  if (id === null)
    return null;
  return (
    <Dialog title={call.title} wide onClose={() => go(hrefWith('call', null))}>
      {isOurId(id) ? <Record key={id} id={id} zone={zone} /> : <Notice kind="warn">{call.wrongId}</Notice>}
    </Dialog>
  );
}
