// What went wrong with a call: RFC 9457's problem as the manager sends it, or no answer at all.
export interface FieldFault { pointer?: string; parameter?: string; detail: string }

export class Problem extends Error {
  readonly code: string;         // docs/errors.md; "network", "unexpected"
  readonly status: number;       // 0: there was no answer
  readonly requestId: string | null;
  readonly errors: readonly FieldFault[];
  readonly retryAfterMs: number | null;

  constructor(of: { code: string; status: number; detail: string; requestId?: string | null; errors?: readonly FieldFault[]; retryAfterMs?: number | null }) {
    super(of.detail);
    this.name = 'Problem';
    this.code = of.code;
    this.status = of.status;
    this.requestId = of.requestId ?? null;
    this.errors = of.errors ?? [];
    this.retryAfterMs = of.retryAfterMs ?? null;
  }
}

// Of the network, of a manager that restarts or a database that is away: worth another try.
export const isPassing = (p: Problem): boolean => p.status === 0 || (p.status >= 502 && p.status <= 504);

export const asProblem = (error: unknown): Problem =>
  error instanceof Problem ? error : new Problem({ code: 'network', status: 0, detail: '' });

interface Sent { code?: unknown; detail?: unknown; errors?: unknown }

function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get('Retry-After') ?? NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}

export async function problemOf(response: Response): Promise<Problem> {
  const sent = await response.json().catch(() => ({})) as Sent;
  return new Problem({
    code: typeof sent.code === 'string' ? sent.code : 'unexpected',
    detail: typeof sent.detail === 'string' ? sent.detail : '',
    status: response.status,
    requestId: response.headers.get('Tollgate-Request-Id'),
    errors: Array.isArray(sent.errors) ? sent.errors as FieldFault[] : [],
    retryAfterMs: retryAfter(response),
  });
}
