import { useNow } from '@/query/clock.ts';
import { useFormat, useText } from './reader.tsx';

// How long ago, or until when; the instant itself on hover. Null: it never was.
export function Ago({ at, never }: { at: string | null; never?: string }) {
  const now = useNow();
  const format = useFormat();
  const { state } = useText().common;
  if (at === null)
    return <span className="soft">{never ?? state.never}</span>;
  const instant = new Date(at);
  return <time dateTime={at} title={`${format.instant(instant)} (${format.zone})`}>{format.ago(instant, now)}</time>;
}
