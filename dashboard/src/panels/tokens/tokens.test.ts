import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '@/api/problem.ts';
import type { Token } from '@/api/types.ts';
import { bodyOf, changesOf, draftOf, emptyDraft, faultsOf, rangesOf } from './draft.ts';
import { resolveExpiry } from './expiry.ts';
import { isOver, mayActOn } from './may.ts';
import { onceKey } from './once.ts';
import { overlapOf } from './overlap.ts';
import { curlWithKey, gatewayBeside, gatewayHere, pathsByScope, routeOfSdk, routesFor, sdkWithKey } from './snippets.ts';

const NOW = new Date('2026-02-20T12:00:00Z');
const TOKEN: Token = {
  id: 7, name: 'n8n', description: null, team: { id: 3, name: 'one', disabled: false }, scopes: ['a', 'b'], key_start: 'ntk_abcd', state: 'active',
  created_at: null, expires_at: null, last_used_at: null, disabled_at: null, revoked_at: null, deleted_at: null, address_ranges: null,
  old_secret_expires_at: null,
};

test('an expiry is so many days later on the zone’s clock, over a change of clocks too', () => {
  const at = (kind: '30' | 'own' | 'never' | 'keep', text = '') => resolveExpiry({ kind, text }, NOW, 'America/New_York');
  assert.deepEqual(at('30'), { state: 'good', at: '2026-03-22T11:00:00.000Z' });
  assert.deepEqual(at('own', '2026-07-01T09:30'), { state: 'good', at: '2026-07-01T13:30:00.000Z' });
  assert.deepEqual(at('own', '2026-02-20T06:59'), { state: 'fault', fault: 'past' });
  assert.deepEqual(at('own', ''), { state: 'fault', fault: 'notADate' });
  assert.deepEqual(at('own', '2026-02-30T00:00'), { state: 'fault', fault: 'notADate' });
  assert.deepEqual(at('never'), { state: 'good', at: null });
  assert.deepEqual(at('keep'), { state: 'keep' });
});

test('what is sent of a form', () => {
  const d = { ...emptyDraft('3'), name: ' n8n ', description: '  ', scopes: ['a'], ranges: '10.0.0.0/8\n\n ::1/128, 1.2.3.4' };
  assert.deepEqual(bodyOf({ ...d, expiry: { kind: 'never', text: '' } }, NOW, 'UTC'), {
    name: 'n8n', description: null, team_id: 3, scopes: ['a'], address_ranges: ['10.0.0.0/8', '::1/128', '1.2.3.4'], expires_at: null,
  });
  assert.equal(bodyOf({ ...d, team: '' }, NOW, 'UTC').team_id, null);
  assert.equal(rangesOf(' \n '), null);
});

test('of an edited token only what differs is sent', () => {
  const d = draftOf(TOKEN);
  assert.deepEqual(changesOf(TOKEN, d, NOW, 'UTC'), {});
  assert.deepEqual(changesOf(TOKEN, { ...d, scopes: ['b', 'a'] }, NOW, 'UTC'), {});
  assert.deepEqual(changesOf(TOKEN, { ...d, scopes: [], description: 'x', team: '' }, NOW, 'UTC'), { description: 'x', team_id: null, scopes: [] });
  assert.deepEqual(changesOf(TOKEN, { ...d, expiry: { kind: 'never', text: '' } }, NOW, 'UTC'), { expires_at: null });
  const bound = { ...TOKEN, address_ranges: ['10.0.0.0/8'] };
  assert.deepEqual(changesOf(bound, { ...draftOf(bound), ranges: '' }, NOW, 'UTC'), { address_ranges: null });
  const nowhere = { ...TOKEN, address_ranges: [] };
  assert.deepEqual(changesOf(nowhere, draftOf(nowhere), NOW, 'UTC'), {});
});

test('faults stand at their fields; those of none are told apart', () => {
  const problem = (errors: { pointer?: string; detail: string }[]) => new Problem({ code: 'invalid_field', status: 400, detail: '', errors });
  assert.deepEqual(faultsOf(problem([{ pointer: '#/scopes/1', detail: 'a' }, { pointer: '#/scopes/2', detail: 'b' }, { pointer: '#/team_id', detail: 'c' }])),
    { at: { scopes: 'a b', team: 'c' }, rest: false });
  assert.deepEqual(faultsOf(problem([{ pointer: '#/token_hash', detail: 'a' }])), { at: {}, rest: true });
  assert.deepEqual(faultsOf(problem([])), { at: {}, rest: true });
  assert.deepEqual(faultsOf(null), { at: {}, rest: false });
});

test('an address has moved once its latest call came with the key of now', () => {
  const line = (secret: 'old' | 'current', address: string, minute: number, calls = 1) =>
    ({ secret, address, calls, secret_expires_at: null, last_used_at: `2026-11-29T12:${minute}:00Z` });
  assert.deepEqual(overlapOf([]), { all: 0, old: 0, calls: 0 });
  assert.deepEqual(overlapOf([line('old', 'a', 10, 5), line('current', 'a', 20), line('old', 'b', 30), line('current', 'c', 11), line('old', 'c', 40)]),
    { all: 3, old: 2, calls: 9 });
});

const ROUTES = [
  { name: 'chat', path: '/api/chat', scope: 'llm', upstreams: ['https://api.openai.com'] },
  { name: 'open', path: '/api/open', scope: null, upstreams: [] },
  { name: 'mail', path: '/api/mail', scope: 'mail', upstreams: [] },
];

test('routes that a key opens: its own first', () => {
  const paths = (scopes: string[]) => routesFor(scopes, ROUTES).map((r) => r.path);
  assert.deepEqual(paths(['mail']), ['/api/mail', '/api/open']);
  assert.deepEqual(paths(['*']), ['/api/chat', '/api/mail', '/api/open']);
  assert.deepEqual(paths([]), ['/api/open']);
  assert.equal(routeOfSdk(ROUTES)?.path, '/api/chat');
  assert.equal(routeOfSdk(routesFor(['mail'], ROUTES)), undefined);
  assert.deepEqual(pathsByScope(ROUTES), [{ scope: null, paths: ['/api/open'] }, { scope: 'llm', paths: ['/api/chat'] }, { scope: 'mail', paths: ['/api/mail'] }]);
});

test('where the gateway may be', () => {
  assert.equal(gatewayBeside('https://gw.example.com', { ports: [8787], tls_ports: [8443] }), 'https://gw.example.com:8443');
  assert.equal(gatewayBeside('http://gw.example.com:8000', { ports: [8787], tls_ports: [8443] }), 'http://gw.example.com:8787');
  assert.equal(gatewayBeside('https://gw.example.com', { ports: [], tls_ports: [443] }), 'https://gw.example.com');
  assert.equal(gatewayBeside('http://[::1]:8000', { ports: [8787], tls_ports: [] }), 'http://[::1]:8787');
  assert.equal(gatewayBeside('http://localhost:8000', { ports: [], tls_ports: [] }), null);
  assert.equal(gatewayHere('http://localhost:8000'), 'http://localhost:8787');
  assert.equal(gatewayHere('https://gw.example.com'), null);
});

test('lines to copy are quoted for their shell', () => {
  assert.equal(curlWithKey('http://h:1/', "/api/it's", 'ntk_1'), "curl -i -H 'X-API-Key: ntk_1' 'http://h:1/api/it'\\''s'");
  assert.ok(sdkWithKey('http://h:1', '/api/openai', 'ntk_"1').includes('api_key="ntk_\\"1"'));
});

test('who may act, and an act’s own name', () => {
  const me = (administer: boolean, teams: { id: number; name: string; role: 'viewer' | 'manager' }[]) => ({
    user: { id: 1, name: 'a', email: null, kind: 'person' as const }, role: 'manager' as const, sees_all: false, teams, advice: null, is_stale: false,
    may: { view: true, manage: true, administer },
    signed_in: { by: 'key' as const, key_id: 1, session_id: null, issuer: null, subject: null, acting: null },
  });
  assert.ok(mayActOn(me(true, []), { team: null }));
  assert.ok(mayActOn(me(false, [{ id: 3, name: 'one', role: 'manager' }]), TOKEN));
  assert.ok(!mayActOn(me(false, [{ id: 3, name: 'one', role: 'viewer' }]), TOKEN));
  assert.ok(!mayActOn(me(false, [{ id: 3, name: 'one', role: 'manager' }]), { team: null }));
  assert.ok(isOver({ state: 'revoked' }) && !isOver({ state: 'expired' }));
  assert.match(onceKey(), /^[0-9a-f]{32}$/);
  assert.notEqual(onceKey(), onceKey());
});
