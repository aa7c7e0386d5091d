/** Structured logs (pino, one JSON object per line). Tokens and credentials cannot pass, whatever a call site logs. */
import { pino, type DestinationStream, type Logger } from 'pino'
import { loggedError } from './logged-error.ts'

export type { Logger }

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Object keys whose values never belong in a log. */
const secretKeys = [
  'authorization',
  'bearer',
  'credential',
  'join_token',
  'joinToken',
  'join_tokens',
  'joinTokens',
  'party_credential',
  'partyCredential',
  'cookie',
  'ticket',
  'password',
  'kek',
  'email',
  'phone',
]

/**
 * Join tokens, API keys, party credentials and tickets carry a scannable prefix, so they are found in free text as
 * well.
 */
const scannableSecret = /mpc_(join|key|party|ticket)_[A-Za-z0-9_-]+/g

/** A logger for one service. Levels are pino's; 'info' where none is given. Writes to stdout unless told otherwise. */
export function createLogger(name: string, level: LogLevel = 'info', destination?: DestinationStream): Logger {
  const options = {
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[redacted]' },
    serializers: { err: loggedError },
    hooks: { streamWrite: (line: string) => line.replace(scannableSecret, 'mpc_$1_[redacted]') },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
