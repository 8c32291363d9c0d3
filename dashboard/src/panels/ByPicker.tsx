import { Select } from '@/ui/Select.tsx';
import { useText } from '@/ui/reader.tsx';
import { useView } from '@/url/useView.ts';
import { RANKS } from '@/url/view.ts';
import type { RankBy } from '@/url/view.ts';

// What rankings are by; the address has it.
export function ByPicker() {
  const { usage } = useText();
  const [view, change] = useView();
  return (
    <Select<RankBy> quiet label={usage.by.label} value={view.by} onChange={(by) => change({ by })}
      options={RANKS.map((by) => ({ value: by, label: usage.by[by] }))} />
  );
}
