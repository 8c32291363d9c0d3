// Titles of problems, by their code (docs/errors.md); the server's own sentence stands below.
export const problems = {
  network: 'The manager does not answer',
  network_hint: 'Is it running, and is this machine connected?',
  unexpected: 'The answer could not be read',
  unknown: (status: string) => `The manager answered ${status}`,
  codes: {
    bad_request: 'The request was malformed', no_route: 'There is no such address', forbidden: 'This is not allowed from here',
    invalid_field: 'Something in the form cannot be taken', method_not_allowed: 'This cannot be done here',
    request_timeout: 'It took too long to arrive', body_too_large: 'That is too much at once',
    internal_error: 'The manager failed', shutting_down: 'The manager is being restarted', busy: 'The manager is busy',
    not_signed_in: 'You are not signed in', bad_sign_in: 'That sign-in is not good', no_role: 'You have no role here yet',
    role_missing: 'Your role does not allow this', sign_in_busy: 'Too many failed attempts to sign in',
    provider_unavailable: 'The sign-in provider does not answer', database_unavailable: 'The database does not answer',
    took_too_long: 'The database did not finish in time', not_found: 'It is not there, or not for you',
    conflict: 'It does not fit what is there', idempotency_mismatch: 'This was sent before with other contents',
    too_many_streams: 'Too many live feeds are open', missing_key: 'There is no key', unknown_key: 'That key is not known',
    malformed_key: 'That is not a key', expired_key: 'That key has expired', revoked_key: 'That key was revoked',
    disabled_key: 'That key is disabled', address_forbidden: 'That key may not be used from here',
    keys_unavailable: 'Keys cannot be checked now',
  },
};
export type ProblemCode = keyof typeof problems.codes;
