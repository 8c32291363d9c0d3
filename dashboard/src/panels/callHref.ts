// Where one call's record is shown: on its token's page, or its route's. Null: it has no id of ours.
import { hrefOf } from '@/url/pages.ts';
import type { Call } from '@/api/types.ts';

// UUIDs of version 7 carry the time by which their row is found.
const OURS = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

export const isOurId = (id: string): boolean => OURS.test(id);

export function callHref(call: Pick<Call, 'request_id' | 'token_id' | 'route_path'>): string | null {
  if (call.request_id === null || !isOurId(call.request_id))
    return null;
  if (call.token_id !== null)
    return `${hrefOf({ name: 'token', id: call.token_id })}?call=${call.request_id}`;
  return call.route_path === null ? null : `${hrefOf({ name: 'route', path: call.route_path })}&call=${call.request_id}`;
}
