import { Component } from 'react';
import type { ReactNode } from 'react';
import { Button } from './Button.tsx';
import { Empty } from './Empty.tsx';
import { useText } from './reader.tsx';

export function Crashed({ again }: { again: () => void }) {
  const { act, state } = useText().common;
  return <div role="alert"><Empty title={state.crashed} acts={<Button onClick={again}>{act.retry}</Button>} /></div>;
}

interface Props { children: ReactNode; resetKey?: string }

// What breaks in drawing a part ends that part alone.
export class Broken extends Component<Props, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError() {
    return { isBroken: true };
  }

  override componentDidUpdate(before: Props): void {
    if (before.resetKey !== this.props.resetKey && this.state.isBroken)
      this.setState({ isBroken: false });
  }

  override render(): ReactNode {
    return this.state.isBroken ? <Crashed again={() => this.setState({ isBroken: false })} /> : this.props.children;
  }
}
