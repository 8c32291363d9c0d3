import type { RouteConfiguration, RouteUsage } from '@/api/types.ts';
import { Facts } from '@/ui/Facts.tsx';
import type { Fact } from '@/ui/Facts.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';

function useFacts(c: RouteConfiguration): Fact[] {
  const { records, common } = useText();
  const { routePage: words } = records;
  const format = useFormat();
  const seconds = (s: number): string => (s > 0 ? format.ms(s * 1000) : words.unlimited);
  return [
    { label: words.name, value: c.name },
    { label: words.upstreams, value: c.upstreams.map((u) => <code key={u} style={{ display: 'block' }}>{u}</code>) },
    { label: words.scope, value: c.scope === null ? words.noScope : <code>{c.scope}</code> },
    { label: words.methods, value: c.methods.length > 0 ? format.list(c.methods) : words.anyMethod },
    { label: words.price, value: c.price_per_call === null ? words.noPrice : format.money(c.price_per_call) },
    { label: words.strip, value: c.strip_prefix ? common.state.yes : common.state.no },
    { label: words.connect, value: seconds(c.timeouts.connect_s) },
    { label: words.firstByte, value: seconds(c.timeouts.first_byte_s) },
    { label: words.idle, value: seconds(c.timeouts.idle_s) },
    { label: words.total, value: seconds(c.timeouts.total_s) },
    { label: words.body, value: seconds(c.timeouts.body_s) },
    { label: words.bodyBytes, value: c.body_bytes > 0 ? format.bytes(c.body_bytes) : words.unlimited },
  ];
}

function Configured({ of }: { of: RouteConfiguration }) {
  const { routePage: words } = useText().records;
  return (
    <>
      {of.replaced && <Notice kind="warn">{words.replaced}</Notice>}
      <Facts items={useFacts(of)} />
    </>
  );
}

// What a route is by the running configuration, if it is in there.
export function RouteFacts({ of }: { of: RouteUsage }) {
  const { routePage: words } = useText().records;
  return (
    <Panel title={words.facts}>
      {of.configuration ? <Configured of={of.configuration} /> : <Notice kind="warn">{words.gone}</Notice>}
    </Panel>
  );
}
