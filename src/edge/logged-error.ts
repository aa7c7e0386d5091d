/**
 * What a log keeps of an error: kind, text, code, stack and causes. Not its other properties, which libraries fill with
 * what they were given: PostgreSQL's `detail` holds the row that broke a constraint, a protocol's metadata its headers.
 */

export type LoggedError = Readonly<{
  type: string
  message: string
  code?: string | number
  stack?: string
  cause?: LoggedError
}>

const maxCauses = 5

export function loggedError(error: unknown): LoggedError {
  return logged(error, maxCauses)
}

function logged(error: unknown, causesLeft: number): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'thrown, and no error' }
  const { name, message, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  return {
    type: name,
    message: withoutPasswords(message),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(stack !== undefined && { stack: withoutPasswords(stack) }),
    ...(cause !== undefined && causesLeft > 0 && { cause: logged(cause, causesLeft - 1) }),
  }
}

/** Of URLs, such as those of databases and of NATS. */
function withoutPasswords(text: string): string {
  return text.replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1[redacted]@')
}
