/**
 * API keys of callers. A key is 'mpc_key_' and 32 random bytes in base64url; because it is uniformly random, a plain
 * SHA-256 of it can be stored. The file never holds a key itself.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { ConfigurationError } from './configuration-error.ts'

export const scopes = ['sessions', 'accounts', 'audit', 'admin'] as const
export type Scope = (typeof scopes)[number]

export const apiKeyPrefix = 'mpc_key_'

export type ApiKey = Readonly<{ name: string; scopes: readonly Scope[] }>

/** The key that `token` is, or null. Takes the same time wherever the key stands in the file. */
export type ApiKeyVerifier = (token: string) => ApiKey | null

export const noApiKeys: ApiKeyVerifier = () => null

const keyFile = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 characters of A-Z a-z 0-9 . _ -'),
      sha256: z.string().regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hex digits'),
      scopes: z.array(z.enum(scopes)).min(1),
    }),
  )
  .max(10_000)
  .refine((keys) => new Set(keys.map((key) => key.name)).size === keys.length, 'names must be unique')

/** A verifier over the JSON file `[{ "name", "sha256", "scopes" }]`. Throws ConfigurationError naming `variable`. */
export function readApiKeys(variable: string, path: string): ApiKeyVerifier {
  const parsed = keyFile.safeParse(readJson(variable, path))
  if (!parsed.success)
    throw new ConfigurationError(variable, `${path} is not a list of API keys: ${describe(parsed.error)}`)
  const keys = parsed.data.map(({ name, sha256, scopes }) => ({
    hash: Buffer.from(sha256, 'hex'),
    key: { name, scopes },
  }))
  return (token) => {
    const presented = createHash('sha256').update(token).digest()
    let found: ApiKey | null = null
    for (const { hash, key } of keys) if (timingSafeEqual(hash, presented)) found = key
    return found
  }
}

function readJson(variable: string, path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read'
    throw new ConfigurationError(variable, `${path} ${reason}`)
  }
}

/** Where and what, without the values: a file that should hold hashes may hold keys by mistake. */
function describe(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')
}
