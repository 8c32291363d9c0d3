import type { MouseEvent, ReactNode } from 'react';
import { go } from '@/url/place.ts';

interface Props { href: string; children: ReactNode; className?: string; current?: boolean; label?: string; title?: string }

// A link of these pages, which does not load them anew; with a modifier the browser's own.
export function Link({ href, children, className, current, label, title }: Props) {
  const onClick = (e: MouseEvent): void => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey)
      return;
    e.preventDefault();
    go(href);
  };
  return (
    <a href={href} onClick={onClick} className={className} aria-label={label} title={title}
      aria-current={current ? 'page' : undefined}>{children}</a>
  );
}
