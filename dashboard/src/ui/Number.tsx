import { useFormat, useText } from './reader.tsx';

// A count, short, with the exact one on hover; unknown is a dash, never a zero.
export function Count({ value }: { value: number | null | undefined }) {
  const format = useFormat();
  const { state } = useText().common;
  if (value === null || value === undefined)
    return <span title={state.unknown}>–</span>;
  const short = format.count(value);
  const exact = format.exact(value);
  return short === exact ? <span>{short}</span> : <span title={exact}>{short}</span>;
}

export function Milliseconds({ value }: { value: number | null | undefined }) {
  const format = useFormat();
  const { state } = useText().common;
  if (value === null || value === undefined)
    return <span title={state.unknown}>–</span>;
  return <span title={`${format.exact(value)} ms`}>{format.ms(value)}</span>;
}

export function Percent({ value }: { value: number | null | undefined }) {
  const format = useFormat();
  const { state } = useText().common;
  if (value === null || value === undefined)
    return <span title={state.unknown}>–</span>;
  return <span title={`${format.exact(value * 100)} %`}>{format.percent(value)}</span>;
}
