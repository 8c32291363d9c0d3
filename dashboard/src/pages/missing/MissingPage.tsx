import { Empty } from '@/ui/Empty.tsx';
import { Link } from '@/ui/Link.tsx';
import { PageHead } from '@/ui/PageHead.tsx';
import { useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';

export default function MissingPage() {
  const { state } = useText().common;
  return (
    <>
      <PageHead title={state.noSuchPage} />
      <Empty title={state.noSuchPage} hint={state.noSuchPageHint}
        acts={<Link className="button button-main" href={hrefOf({ name: 'dashboard' })}>{state.home}</Link>} />
    </>
  );
}
