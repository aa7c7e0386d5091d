/** Reading environment variables by schema. Every error names its variable. */
import { z } from 'zod'
import { ConfigurationError } from './configuration-error.ts'
import { logLevels } from './log.ts'

/** Schemas for single variables; compose them with `z.object({ NAME: … })` and `readEnv`. */
export const portVariable = z.coerce.number('must be a port number').int('must be a port number').min(0).max(65_535)
export const flagVariable = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true')
export const httpUrlVariable = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
export const postgresUrlVariable = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })
export const logLevelVariable = z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info')

/** A whole number between `min` and `max`. */
export function wholeNumberVariable(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`
  return z.coerce.number(message).int(message).min(min, message).max(max, message)
}

/**
 * Variables of every service that writes to the event log. Give the same to all of them. `parseAddress` is the log's
 * own way to read its URL; it throws for what it cannot use.
 */
export function eventLogVariables(parseAddress: (url: string) => unknown) {
  const isAddress = (url: string): boolean => {
    try {
      parseAddress(url)
      return true
    } catch {
      return false
    }
  }
  return {
    NATS_URL: z.string().refine(isAddress, 'must be nats://host:port or tls://host:port, or several with commas'),
    MPC_NATS_REPLICAS: wholeNumberVariable(1, 5).default(1),
    MPC_SESSIONS_MAX_BYTES: wholeNumberVariable(2 ** 20, 2 ** 50).optional(),
    MPC_MESSAGES_MAX_BYTES: wholeNumberVariable(2 ** 20, 2 ** 50).optional(),
    MPC_CHECKPOINTS_MAX_BYTES: wholeNumberVariable(2 ** 20, 2 ** 50).optional(),
  }
}

/** `env` checked and converted by `schema`. An empty variable counts as absent. Throws ConfigurationError. */
export function readEnv<S extends z.ZodObject>(schema: S, env: NodeJS.ProcessEnv): z.output<S> {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = schema.safeParse(present)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const variable = String(issue?.path[0] ?? 'environment')
  throw new ConfigurationError(variable, variable in present ? (issue?.message ?? 'is not valid') : 'must be set')
}
