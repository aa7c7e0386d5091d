/** Configuration of a service's edge from environment variables. Every error names its variable. */
import { z } from 'zod'
import { noApiKeys, type ApiKeys } from './api-keys/api-key.ts'
import { openApiKeys } from './api-keys/followed-file.ts'
import { ConfigurationError } from './configuration-error.ts'
import { flagVariable, portVariable, readEnv } from './environment.ts'
import { limitsFromEnv, type EdgeLimits } from './limits.ts'
import { isLoopbackHost } from './loopback.ts'
import { listenerTlsFromEnv, type ListenerTls } from './tls/tls-config.ts'

export type EdgeConfig = Readonly<{
  host: string
  /** 0 takes any free port. */
  grpcPort: number
  httpPort: number
  openMode: boolean
  /** Of both ports; null: they speak plain text. */
  tls: ListenerTls | null
  corsOrigins: readonly string[]
  apiKeys: ApiKeys
  reflection: boolean
  limits: EdgeLimits
}>

export function edgeConfigFromEnv(
  env: NodeJS.ProcessEnv,
  defaults: Readonly<{ grpcPort: number; httpPort: number }>,
): EdgeConfig {
  const values = readEnv(edgeVariables, env)
  const openMode = values.MPC_OPEN_MODE
  const host = values.MPC_HOST ?? (openMode ? '127.0.0.1' : '0.0.0.0')
  requireLoopbackInOpenMode(openMode, host)
  const tls = listenerTlsFromEnv(env)
  if (tls === null && values.MPC_PLAINTEXT === undefined && !isLoopbackHost(host)) throw wantsTls(host)
  return {
    host,
    grpcPort: values.MPC_GRPC_PORT ?? defaults.grpcPort,
    httpPort: values.MPC_HTTP_PORT ?? defaults.httpPort,
    openMode,
    tls,
    corsOrigins: values.MPC_CORS_ORIGINS,
    apiKeys:
      values.MPC_API_KEYS_FILE === undefined ? noApiKeys : openApiKeys('MPC_API_KEYS_FILE', values.MPC_API_KEYS_FILE),
    reflection: values.MPC_REFLECTION ?? openMode,
    limits: limitsFromEnv(env),
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

/** API keys, tokens and credentials are in every request: they do not leave a machine in plain text by oversight. */
function wantsTls(host: string): ConfigurationError {
  return new ConfigurationError(
    'MPC_TLS_CERT_FILE',
    `must be set to listen on "${host}"; behind a proxy of yours that speaks TLS, set MPC_PLAINTEXT=behind-proxy`,
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
  MPC_PLAINTEXT: z.literal('behind-proxy', 'must be behind-proxy, or absent').optional(),
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
})
