/** Configuration of a service's edge from environment variables. Every error names its variable. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { noApiKeys, readApiKeys, type ApiKeyVerifier } from './api-keys.ts'
import { ConfigurationError } from './configuration-error.ts'
import { logLevels } from './log.ts'
import { isLoopbackHost } from './loopback.ts'

export type EdgeLimits = Readonly<{
  /** Largest HTTP body and largest RPC message. A router payload of 512 KiB is 700 KiB as base64. */
  maxBodyBytes: number
  maxJsonDepth: number
  maxHeaderBytes: number
  maxConnections: number
  /** Per HTTP/2 connection. */
  maxConcurrentStreams: number
  /** Streams a client may reset at once, and per second after that, before its connection is closed. */
  streamResetBurst: number
  streamResetsPerSecond: number
  /** Time to receive one whole HTTP request. */
  requestTimeoutMs: number
  /** Time that calls and streams get to end when the service stops. */
  closeGraceMs: number
}>

export const defaultLimits: EdgeLimits = {
  maxBodyBytes: 1_572_864,
  maxJsonDepth: 32,
  maxHeaderBytes: 16_384,
  maxConnections: 10_000,
  maxConcurrentStreams: 1_000,
  streamResetBurst: 10_000,
  streamResetsPerSecond: 1_000,
  requestTimeoutMs: 30_000,
  closeGraceMs: 5_000,
}

export type EdgeConfig = Readonly<{
  host: string
  /** 0 takes any free port. */
  grpcPort: number
  httpPort: number
  openMode: boolean
  corsOrigins: readonly string[]
  apiKeys: ApiKeyVerifier
  reflection: boolean
  limits: EdgeLimits
}>

/** Schemas for single variables; compose them with `z.object({ NAME: … })` and `readEnv`. */
export const portVariable = z.coerce.number('must be a port number').int('must be a port number').min(0).max(65_535)
export const flagVariable = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true')
export const httpUrlVariable = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })

/** Variables of every service that writes to the event log. Give the same to all of them. */
export const eventLogVariables = {
  NATS_URL: z.string(),
  MPC_NATS_REPLICAS: wholeNumberVariable(1, 5).default(1),
  MPC_SESSIONS_MAX_BYTES: wholeNumberVariable(2 ** 20, 2 ** 50).optional(),
  MPC_MESSAGES_MAX_BYTES: wholeNumberVariable(2 ** 20, 2 ** 50).optional(),
}

export const logLevelVariable = z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info')

/** A whole number between `min` and `max`. */
export function wholeNumberVariable(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`
  return z.coerce.number(message).int(message).min(min, message).max(max, message)
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

/** The 32 bytes that a file holds as 64 hex digits. Throws ConfigurationError naming `variable`, never the content. */
export function readKeyFile(variable: string, path: string): Uint8Array {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch {
    throw new ConfigurationError(variable, `${path} cannot be read`)
  }
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new ConfigurationError(variable, `${path} must hold 64 hex digits`)
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

export function edgeConfigFromEnv(
  env: NodeJS.ProcessEnv,
  defaults: Readonly<{ grpcPort: number; httpPort: number }>,
): EdgeConfig {
  const values = readEnv(edgeVariables, env)
  const openMode = values.MPC_OPEN_MODE
  const host = values.MPC_HOST ?? (openMode ? '127.0.0.1' : '0.0.0.0')
  requireLoopbackInOpenMode(openMode, host)
  return {
    host,
    grpcPort: values.MPC_GRPC_PORT ?? defaults.grpcPort,
    httpPort: values.MPC_HTTP_PORT ?? defaults.httpPort,
    openMode,
    corsOrigins: values.MPC_CORS_ORIGINS,
    apiKeys:
      values.MPC_API_KEYS_FILE === undefined ? noApiKeys : readApiKeys('MPC_API_KEYS_FILE', values.MPC_API_KEYS_FILE),
    reflection: values.MPC_REFLECTION ?? openMode,
    limits: {
      ...defaultLimits,
      maxBodyBytes: values.MPC_MAX_BODY_BYTES ?? defaultLimits.maxBodyBytes,
      maxConcurrentStreams: values.MPC_MAX_CONCURRENT_STREAMS ?? defaultLimits.maxConcurrentStreams,
      closeGraceMs: values.MPC_CLOSE_GRACE_MS ?? defaultLimits.closeGraceMs,
    },
  }
}

/** Open mode asks nobody for credentials, so nobody but this machine may reach it. */
export function requireLoopbackInOpenMode(openMode: boolean, host: string): void {
  if (!openMode || isLoopbackHost(host)) return
  throw new ConfigurationError(
    'MPC_HOST',
    `open mode (MPC_OPEN_MODE=true) listens on loopback only (127.0.0.0/8, ::1, localhost), not on "${host}"`,
  )
}

const origin = z
  .string()
  .refine((text) => URL.parse(text)?.origin === text, 'must be a list of origins such as https://wallet.example')

const edgeVariables = z.object({
  MPC_OPEN_MODE: flagVariable.default(false),
  MPC_HOST: z
    .string()
    .regex(/^[A-Za-z0-9.:-]{1,253}$/, 'must be a host name or an IP address')
    .optional(),
  MPC_GRPC_PORT: portVariable.optional(),
  MPC_HTTP_PORT: portVariable.optional(),
  MPC_CORS_ORIGINS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== ''),
    )
    .pipe(z.array(origin)),
  MPC_API_KEYS_FILE: z.string().optional(),
  MPC_REFLECTION: flagVariable.optional(),
  MPC_MAX_BODY_BYTES: wholeNumberVariable(1_024, 67_108_864).optional(),
  MPC_MAX_CONCURRENT_STREAMS: wholeNumberVariable(1, 1_000_000).optional(),
  MPC_CLOSE_GRACE_MS: wholeNumberVariable(0, 600_000).optional(),
})
