// A sentence in which `what stands so` is code.
export function Words({ children }: { children: string }) {
  return <>{children.split('`').map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part))}</>;
}
