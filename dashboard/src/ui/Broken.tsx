import { Component } from 'react';
import type { ReactNode } from 'react';

interface Props { children: ReactNode; fallback: (again: () => void) => ReactNode; resetKey: string }

// What breaks in drawing a part ends that part alone.
export class Broken extends Component<Props, { brokenAt: string | null }> {
  override state = { brokenAt: null };

  static getDerivedStateFromError() {
    return { brokenAt: '' };
  }

  override componentDidUpdate(before: Props): void {
    if (before.resetKey !== this.props.resetKey && this.state.brokenAt !== null)
      this.setState({ brokenAt: null });
  }

  override render(): ReactNode {
    return this.state.brokenAt === null
      ? this.props.children
      : this.props.fallback(() => this.setState({ brokenAt: null }));
  }
}
