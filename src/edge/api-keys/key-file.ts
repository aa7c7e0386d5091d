/** The file of API keys: JSON, a list of entries with hashes and never a key. */
import { z } from 'zod'
import { scopes, type Scope } from './api-key.ts'

export type KeyEntry = Readonly<{
  name: string
  /** Hex. */
  sha256: string
  scopes: readonly Scope[]
  /** Times are ISO 8601 in UTC. Entries written by hand may lack this one. */
  created_at?: string | undefined
  /** The key is refused from then on. */
  expires_at?: string | undefined
  /** Keys that were replaced, for as long as they still work. */
  former?: readonly FormerKey[] | undefined
}>

export type FormerKey = Readonly<{ sha256: string; expires_at: string }>

const sha256 = z.string().regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hex digits')
const time = z.iso.datetime('must be a time such as 2026-01-31T12:00:00Z')

export const keyName = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 characters of A-Z a-z 0-9 . _ -')

const keyFile = z
  .array(
    z.strictObject({
      name: keyName,
      sha256,
      scopes: z.array(z.enum(scopes)).min(1),
      created_at: time.optional(),
      expires_at: time.optional(),
      former: z.array(z.strictObject({ sha256, expires_at: time })).max(16).optional(),
    }),
  )
  .max(10_000)
  .refine((keys) => new Set(keys.map((key) => key.name)).size === keys.length, 'names must be unique')
  .refine((keys) => {
    const hashes = keys.flatMap((key) => [key.sha256, ...(key.former ?? []).map((former) => former.sha256)])
    return new Set(hashes.map((hash) => hash.toLowerCase())).size === hashes.length
  }, 'no key may be there twice')

/** The entries, or what is wrong with `text`: where and what, without the values, which may be keys by mistake. */
export function parseKeyFile(text: string): readonly KeyEntry[] | Readonly<{ problem: string }> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { problem: 'is not JSON' }
  }
  const parsed = keyFile.safeParse(json)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`.trim())
  return { problem: `is not a list of API keys: ${issues.join('; ')}` }
}

export function isProblem(
  parsed: readonly KeyEntry[] | Readonly<{ problem: string }>,
): parsed is Readonly<{ problem: string }> {
  return 'problem' in parsed
}
