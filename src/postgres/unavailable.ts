/** Telling an outage of the database from everything else that can go wrong with a statement. */

/** True where the database cannot be had at the moment; a later try may succeed. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return unavailableCodes.some((codes) => codes.test(codeOf(error))) || unavailableMessages.test(error.message)
}

/** What the server or the socket said; neither ever repeats the password. */
export function reasonOf(error: unknown): string {
  // Where a name has several addresses, the error is an AggregateError without a message.
  return error instanceof Error && error.message !== '' ? error.message : codeOf(error)
}

/**
 * SQLSTATE classes 08 connection, 28 authorization, 3D no such database, 53 resources, 57P shutdown; socket errors; a
 * certificate that is not trusted, or has expired (Node's names for OpenSSL's X509_V_ERR_…).
 */
const unavailableCodes = [
  /^(08|28|3D|53|57P)/,
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|EAI_AGAIN|ENOTFOUND)$/,
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/,
]

/** Of the driver and its pool, which give these no code. */
const unavailableMessages =
  /^(timeout exceeded when trying to connect|connection terminated|the server does not support SSL)/i

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
