import './Skeleton.css';
import { useText } from './reader.tsx';

// In the place and size of what comes, so that nothing jumps.
export function Skeleton({ height, what }: { height: number; what: string }) {
  const { state } = useText().common;
  return (
    <div className="skeleton" style={{ height }} role="status">
      <span className="only-read">{`${state.loading}: ${what}`}</span>
    </div>
  );
}
