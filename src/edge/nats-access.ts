/** How a service gets into NATS: its nkey, whom it trusts there and what it shows, from the environment. */
import { z } from 'zod'
import { ConfigurationError } from './configuration-error.ts'
import { readEnv } from './environment.ts'
import { readSecretFile } from './secret-key-file.ts'
import { checkedClientTls, keyPairFiles, namedFile } from './tls/tls-config.ts'

export type NatsAccess = Readonly<{
  /** The seed of the nkey, as text. */
  nkeySeed?: Uint8Array
  /** Paths of PEM files; present: no connection without TLS. */
  tls?: Readonly<{ caFile?: string; certFile?: string; keyFile?: string }>
}>

const variables = z.object({
  NATS_NKEY_SEED_FILE: z.string().optional(),
  NATS_TLS_CA_FILE: z.string().optional(),
  NATS_TLS_CERT_FILE: z.string().optional(),
  NATS_TLS_KEY_FILE: z.string().optional(),
  MPC_TLS_CA_FILE: z.string().optional(),
  MPC_TLS_CLIENT_CERT_FILE: z.string().optional(),
  MPC_TLS_CLIENT_KEY_FILE: z.string().optional(),
})

/** What NATS_TLS_… does not say, MPC_TLS_… does. Throws ConfigurationError; the files have been checked. */
export function natsAccessFromEnv(env: NodeJS.ProcessEnv): NatsAccess {
  const values = readEnv(variables, env)
  const seedFile = values.NATS_NKEY_SEED_FILE
  const tls = checkedClientTls({
    authorities: namedFile('NATS_TLS_CA_FILE', values) ?? namedFile('MPC_TLS_CA_FILE', values),
    keyPair:
      keyPairFiles('NATS_TLS_CERT_FILE', 'NATS_TLS_KEY_FILE', values) ??
      keyPairFiles('MPC_TLS_CLIENT_CERT_FILE', 'MPC_TLS_CLIENT_KEY_FILE', values),
  })
  return {
    ...(seedFile !== undefined && { nkeySeed: readSeed('NATS_NKEY_SEED_FILE', seedFile) }),
    ...(tls !== null && {
      tls: {
        ...(tls.authorities !== null && { caFile: tls.authorities.path }),
        ...(tls.keyPair !== null && { certFile: tls.keyPair.cert.path, keyFile: tls.keyPair.key.path }),
      },
    }),
  }
}

function readSeed(variable: string, path: string): Uint8Array {
  const text = readSecretFile(variable, path).toString().trim()
  if (!/^SU[A-Z2-7]{56}$/.test(text)) throw new ConfigurationError(variable, `${path} must hold a user's seed (SU…)`)
  return new TextEncoder().encode(text)
}
