import { origin } from '@/url/place.ts';
import { copyText } from '@/ui/Copy.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { Menu, MenuItems } from '@/ui/Menu.tsx';
import { tell } from '@/ui/toasts.ts';
import { useText } from '@/ui/reader.tsx';
import { askOf, curlOf } from './commands.ts';
import { saveCsv } from './csv.ts';

interface Props {
  of: string;
  address: string | null;        // the question that the panel shows an answer of
  csv?: (() => string) | string; // its rows, or the address of a file of them
}

// The same question from a shell, and the panel's own rows as a file.
export function PanelMenu({ of, address, csv }: Props) {
  const { panel, act } = useText().common;
  const copy = (text: string): void => {
    void copyText(text).then((done) => tell(done ? act.copied : text, done ? {} : { kind: 'bad' }));
  };
  const items = [
    ...(address ? [
      { label: panel.copyCurl, onClick: () => copy(curlOf(address, origin())) },
      { label: panel.copyAsk, onClick: () => copy(askOf(address)) },
    ] : []),
    ...(csv ? [{ label: panel.csv, onClick: () => saveCsv(of, csv) }] : []),
  ];
  return (
    <Menu label={panel.menu(of)} face={<Icon name="more" />} align="right" kind="quiet">
      {(close) => <MenuItems items={items} close={close} />}
    </Menu>
  );
}
