import { useSeen } from '@/query/clock.ts';
import { useFormat, useText } from './reader.tsx';

// How long ago, or until when; the instant itself on hover. Null: it never was.
export function Ago({ at, never }: { at: string | null; never?: string }) {
  const now = useSeen();
  const format = useFormat();
  const { state } = useText().common;
  if (at === null)
    return <span className="soft">{never ?? state.never}</span>;
  const instant = new Date(at);
  // What was just now is not ahead, though the page's clock stands at a moment before it.
  const seen = instant > now && instant.getTime() <= Date.now() ? instant : now;
  return <time dateTime={at} title={`${format.instant(instant)} (${format.zone})`}>{format.ago(instant, seen)}</time>;
}
