import { Button } from '@/ui/Button.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { useText } from '@/ui/reader.tsx';

export function TableSwitch({ asTable, toggle }: { asTable: boolean; toggle: () => void }) {
  const { table } = useText().common;
  return <Button kind="quiet" label={asTable ? table.chart : table.show} onClick={toggle}><Icon name={asTable ? 'chart' : 'table'} /></Button>;
}
