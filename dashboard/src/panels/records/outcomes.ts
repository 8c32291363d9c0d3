// How an exchange can end (gateway/journal/outcomes.def, docs/usage.md).
export const OUTCOMES = [
  'complete', 'client_abort', 'revoked', 'http_request_denied', 'http_request_error', 'shutdown', 'proxy_internal_error',
  'connection_limit_reached', 'proxy_loop_detected', 'dns_error', 'dns_timeout', 'connection_refused', 'connection_terminated',
  'connection_timeout', 'connection_read_timeout', 'connection_write_timeout', 'destination_unavailable', 'tls_certificate_error',
  'tls_protocol_error', 'tls_alert_received', 'http_response_timeout', 'http_protocol_error', 'http_response_incomplete',
  'http_response_header_section_size', 'http_upgrade_failed',
] as const;
