import './FirstStepsPanel.css';
import { gatewayHere } from '@/panels/tokens/snippets.ts';
import { Button } from '@/ui/Button.tsx';
import { Copy } from '@/ui/Copy.tsx';
import { Icon } from '@/ui/Icon.tsx';
import { Link } from '@/ui/Link.tsx';
import { Notice } from '@/ui/Notice.tsx';
import { Panel } from '@/ui/Panel.tsx';
import { Words } from '@/ui/Words.tsx';
import { useText } from '@/ui/reader.tsx';
import { hrefOf } from '@/url/pages.ts';
import { origin } from '@/url/place.ts';
import { STEPS } from './firstSteps.ts';
import type { Step } from './firstSteps.ts';
import type { FirstSteps } from './useFirstSteps.ts';

const lineOf = (step: Step): string => ({
  token: "tollgate token create --name first --scope '*'",
  call: `curl -i -H "X-API-Key: $KEY" ${gatewayHere(origin()) ?? '$TOLLGATE_URL'}/api/test/hello`,
  upstream: 'tollgate check --config tollgate.json',
})[step];

function StepItem({ step, number, isDone }: { step: Step; number: number; isDone: boolean }) {
  const { first } = useText().dashboard;
  const hints: Record<Step, string> = { token: first.tokenHint, call: first.callHint, upstream: first.upstreamHint };
  return (
    <li className={isDone ? 'first-step first-step-done' : 'first-step'}>
      <span className="first-step-mark" role="img" aria-label={isDone ? first.done : first.open}>{isDone ? <Icon name="check" /> : number}</span>
      <div>
        <h3>{first[step]}</h3>
        {!isDone && (
          <>
            <p className="soft"><Words>{hints[step]}</Words></p>
            <p className="first-step-line"><code>{lineOf(step)}</code><Copy text={lineOf(step)} />
              {step === 'token' && <Link href={hrefOf({ name: 'tokens' })}>{first.tokens}</Link>}</p>
          </>
        )}
      </div>
    </li>
  );
}

// What to do first; each step ticks itself off.
export function FirstStepsPanel({ of }: { of: FirstSteps }) {
  const { first } = useText().dashboard;
  return (
    <Panel title={first.title} tools={<Button kind="quiet" label={first.dismiss} onClick={of.dismiss}><Icon name="close" /></Button>}>
      {of.isFinished && <Notice kind="good">{first.finished}</Notice>}
      <ol className="first-steps">{STEPS.map((step, i) => <StepItem key={step} step={step} number={i + 1} isDone={of.steps[step]} />)}</ol>
    </Panel>
  );
}
