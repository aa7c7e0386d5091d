/** The key of an approver: 32 secret bytes in a file, as 64 hex digits, like the identities of the services. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { readSecretKeyFile } from '../../edge/secret-key-file.ts'
import { identityFromSeed, type Identity } from '../../identity/identity-key.ts'
import { StartupError } from '../startup-error.ts'

/** The public key, as 64 hex digits. Throws StartupError: a file that is there is never replaced. */
export async function newApproverKey(file: string): Promise<string> {
  const seed = randomBytes(32)
  try {
    await writeFile(file, `${seed.toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
    return hexOf(await identityFromSeed(seed))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    const problem = code === 'EEXIST' ? 'is there already, and is left as it is' : `cannot be written (${code})`
    throw new StartupError(`--out: ${file} ${problem}`)
  } finally {
    seed.fill(0)
  }
}

/** Throws ConfigurationError naming the option, never the content. */
export async function showApproverKey(file: string): Promise<string> {
  return hexOf(await readApproverKey('<file>', file))
}

/** Throws ConfigurationError naming `option`, never the content. */
export async function readApproverKey(option: string, file: string): Promise<Identity> {
  const seed = readSecretKeyFile(option, file)
  try {
    return await identityFromSeed(seed)
  } finally {
    seed.fill(0)
  }
}

function hexOf({ publicKey }: Identity): string {
  return Buffer.from(publicKey).toString('hex')
}
