import { isPassing } from '@/api/problem.ts';
import type { Problem } from '@/api/problem.ts';
import type { Texts } from '@/text/en/texts.ts';
import { Button } from './Button.tsx';
import { Notice } from './Notice.tsx';
import { useFormat, useText } from './reader.tsx';

export function problemTitle(p: Problem, texts: Texts): string {
  const { problems } = texts;
  const known = Object.entries(problems.codes).find(([code]) => code === p.code);
  if (known)
    return known[1];
  if (p.status === 0)
    return problems.network;
  return p.code === 'unexpected' ? problems.unexpected : problems.unknown(String(p.status));
}

interface Props { problem: Problem; what?: string; retry?: () => void; isTrying?: boolean | undefined; shownAt?: number | null }

// What failed, what still shows, the request's id, and another try where that may help.
export function ProblemNotice({ problem, what, retry, isTrying, shownAt }: Props) {
  const texts = useText();
  const format = useFormat();
  const { act, state } = texts.common;
  const title = problemTitle(problem, texts);
  return (
    <Notice kind={isPassing(problem) && shownAt ? 'warn' : 'bad'} acts={retry && <Button onClick={retry} busy={isTrying === true}>{act.retry}</Button>}
      beside={problem.requestId && <p className="soft">{state.requestId(problem.requestId)}</p>}>
      <p>{what ? `${state.failed(what)}: ${title}.` : `${title}.`}{shownAt ? ` ${state.shownOf(format.time(new Date(shownAt)))}` : ''}</p>
      {problem.status === 0 && <p className="soft">{texts.problems.network_hint}</p>}
      {problem.errors.length === 0 && problem.message && <p className="soft">{problem.message}</p>}
      {problem.errors.map((e) => (
        <p key={`${e.pointer ?? e.parameter ?? ''} ${e.detail}`} className="soft"><code>{e.pointer ?? e.parameter}</code> {e.detail}</p>
      ))}
    </Notice>
  );
}
