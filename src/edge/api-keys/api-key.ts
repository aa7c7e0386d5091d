/**
 * API keys of callers. A key is 'mpc_key_' and 32 random bytes in base64url; because it is uniformly random, a plain
 * SHA-256 of it can be stored.
 */
import { createHash, randomBytes } from 'node:crypto'

/** What they open is declared with each method in proto (mpc.api.v1.access) and told in docs/operations.md. */
export const scopes = ['sessions', 'accounts', 'audit', 'admin'] as const
export type Scope = (typeof scopes)[number]

export const apiKeyPrefix = 'mpc_key_'

export type ApiKey = Readonly<{ name: string; scopes: readonly Scope[] }>

export type ApiKeys = Readonly<{
  /** The key that `token` is, or null. Takes the same time whichever of the known keys it is, and where it is none. */
  find: (token: string) => ApiKey | null
  /** Takes up changes until what it returns is called. */
  follow: (follower: KeyFollower) => () => void
}>

export type KeyFollower = Readonly<{
  /** Called when keys may have ended or lost scopes. */
  changed: () => void
  /** Called after each attempt to read changed keys; `problem` is null where that went well. */
  read: (problem: string | null, keys: number) => void
}>

/** Keys that never change. */
export function fixedApiKeys(find: ApiKeys['find']): ApiKeys {
  return { find, follow: () => () => undefined }
}

export const noApiKeys: ApiKeys = fixedApiKeys(() => null)

export function newApiKey(): string {
  return apiKeyPrefix + randomBytes(32).toString('base64url')
}

export function hashApiKey(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
