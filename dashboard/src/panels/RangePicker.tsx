import './RangePicker.css';
import { useState } from 'react';
import { localText } from '@/time/days.ts';
import { PRESETS, resolveRange, sameWritten } from '@/time/range.ts';
import type { Range, WrittenRange } from '@/time/range.ts';
import { allZones } from '@/time/zone.ts';
import { Button } from '@/ui/Button.tsx';
import { Field } from '@/ui/Field.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { Menu, MenuItems } from '@/ui/Menu.tsx';
import { Select } from '@/ui/Select.tsx';
import { useFormat, useText } from '@/ui/reader.tsx';
import { rangeName } from './rangeName.ts';

interface Props { written: WrittenRange; range: Range; onChange: (r: WrittenRange, zone: string) => void }

function OwnRange({ range, onApply }: { range: Range; onApply: (r: WrittenRange, zone: string) => void }) {
  const { usage, common } = useText();
  const [zone, setZone] = useState(range.zone);
  const [from, setFrom] = useState(localText(range.from, range.zone));
  const [to, setTo] = useState(localText(range.to, range.zone));
  const written: WrittenRange = { kind: 'fixed', from, to };
  const isGood = resolveRange(written, zone, new Date()) !== null;
  return (
    <form className="range-own" onSubmit={(e) => { e.preventDefault(); if (isGood) onApply(written, zone); }}>
      <h3>{usage.range.own}</h3>
      <Field label={usage.range.from} type="datetime-local" value={from} onChange={setFrom} />
      <Field label={usage.range.to} type="datetime-local" value={to} onChange={setTo} fault={isGood ? null : usage.range.wrong} />
      <Select label={usage.range.zone} value={zone} onChange={setZone} options={allZones().map((z) => ({ value: z, label: z }))} />
      <Button type="submit" kind="main" disabled={!isGood}>{common.act.apply}</Button>
    </form>
  );
}

// Presets, and one's own on the clock of any zone; the zone stands beside the range.
export function RangePicker({ written, range, onChange }: Props) {
  const { usage } = useText();
  const format = useFormat(range.zone);
  const name = rangeName(written, usage, format);
  const face = <><span>{name}</span>{' '}<span className="soft range-zone">{range.zone}</span><Icon name="down" /></>;
  return (
    <Menu label={`${usage.range.label}: ${name} ${range.zone}`} face={face}>
      {(close) => (
        <div className="range-box">
          <MenuItems close={close} items={PRESETS.map((p) => ({
            label: rangeName(p, usage, format), isChosen: sameWritten(p, written), onClick: () => onChange(p, range.zone),
          }))} />
          <OwnRange range={range} onApply={(r, zone) => { onChange(r, zone); close(); }} />
        </div>
      )}
    </Menu>
  );
}
