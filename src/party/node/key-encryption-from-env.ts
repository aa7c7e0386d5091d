/** Where a party's key-encryption key is: in a file, in the environment, or with a key service. Exactly one of them. */
import { z } from 'zod'
import { ConfigurationError } from '../../edge/configuration-error.ts'
import { readEnv, wholeNumberVariable } from '../../edge/environment.ts'
import { isLoopbackHost } from '../../edge/loopback.ts'
import { keyFromHex, readSecretKeyFile } from '../../edge/secret-key-file.ts'
import { readAuthorities } from '../../edge/tls/pem-files.ts'
import { secureRandom } from '../clock.ts'
import type { KeyEncryption } from '../store/key-encryption.ts'
import { localKeyEncryption } from '../store/local-key-encryption.ts'
import { transitKeyEncryption } from './key-service/transit-key-encryption.ts'

/** `MPC_`: of the party. `MPC_NEW_`: the key to come, for `mpc party rewrap`. */
export type KeyVariables = 'MPC_' | 'MPC_NEW_'

const defaultTimeoutMs = 5_000
const name = z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be a name of A-Z a-z 0-9 _ . -')
const mount = z.string().regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, 'must be the path of a secrets engine')

/** True where any variable of the set says where a key is. */
export function namesKey(env: NodeJS.ProcessEnv, prefix: KeyVariables): boolean {
  return sourcesIn(env, prefix).length > 0
}

/**
 * A key in `env` itself is taken out of it: no child process and no crash report inherits it. Close what comes back.
 * @throws ConfigurationError
 */
export function keyEncryptionFromEnv(env: NodeJS.ProcessEnv, prefix: KeyVariables): KeyEncryption {
  const sources = sourcesIn(env, prefix)
  const [source, second] = sources
  const digits = env[`${prefix}KEK`]
  delete env[`${prefix}KEK`]
  if (source === undefined) {
    throw new ConfigurationError(`${prefix}KEK_FILE`, `must be set, or ${prefix}KEK, or ${prefix}KMS_URL`)
  }
  if (second !== undefined) throw new ConfigurationError(second, `is set as well as ${source}: only one may be`)
  if (source === `${prefix}KMS_URL`) return keyServiceFromEnv(env, prefix)
  const kek = digits ? keyInEnvironment(source, digits) : readSecretKeyFile(source, env[source] ?? '')
  try {
    return localKeyEncryption(kek, secureRandom)
  } finally {
    kek.fill(0)
  }
}

function sourcesIn(env: NodeJS.ProcessEnv, prefix: KeyVariables): readonly string[] {
  return [`${prefix}KEK_FILE`, `${prefix}KEK`, `${prefix}KMS_URL`].filter((variable) => (env[variable] ?? '') !== '')
}

function keyInEnvironment(variable: string, digits: string): Uint8Array {
  const bytes = Buffer.from(digits, 'latin1')
  try {
    return keyFromHex(variable, bytes, 'must be 64 hex digits')
  } finally {
    bytes.fill(0)
  }
}

function keyServiceFromEnv(env: NodeJS.ProcessEnv, prefix: KeyVariables): KeyEncryption {
  const variables = z.object({
    [`${prefix}KMS_URL`]: z.string().refine(isServiceUrl, 'must be an https:// URL; http:// is for loopback only'),
    [`${prefix}KMS_KEY`]: name,
    [`${prefix}KMS_TOKEN_FILE`]: z.string(),
    [`${prefix}KMS_MOUNT`]: mount.default('transit'),
    [`${prefix}KMS_CA_FILE`]: z.string().default(''),
    [`${prefix}KMS_TIMEOUT_MS`]: wholeNumberVariable(100, 60_000).default(defaultTimeoutMs),
  })
  const read = readEnv(variables, env)
  const text = (variable: string) => String(read[`${prefix}${variable}`])
  const ca = text('KMS_CA_FILE')
  return transitKeyEncryption({
    url: new URL(text('KMS_URL')),
    mount: text('KMS_MOUNT'),
    key: text('KMS_KEY'),
    tokenFile: text('KMS_TOKEN_FILE'),
    ca: ca === '' ? undefined : readAuthorities({ variable: `${prefix}KMS_CA_FILE`, path: ca }),
    timeoutMs: Number(text('KMS_TIMEOUT_MS')),
    prefix,
  })
}

/** The token and the data key travel on it. */
function isServiceUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.search !== '' || url.hash !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))
}
