/**
 * Server parties by device id, with their identity keys, from a JSON file: those that a coordinator may invite, and
 * those that a server party takes part with.
 */
import { readFileSync } from 'node:fs'
import { hexToBytes } from '@noble/hashes/utils.js'
import { z } from 'zod'
import { ConfigurationError } from './configuration-error.ts'
import { isIdentityKey } from '../identity/identity-key.ts'

/** Ed25519 public key of the server party registered under a device id. */
export type ServerParties = ReadonlyMap<string, Uint8Array>

const fileShape = z
  .array(
    z.strictObject({
      device_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 characters of A-Z a-z 0-9 _ -'),
      identity_key: z.string().regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hex digits'),
    }),
  )
  .max(1000)

/** Reads `[{ "device_id", "identity_key" }]`. Throws ConfigurationError naming the variable and what is wrong. */
export function readServerParties(variable: string, path: string): ServerParties {
  const parsed = fileShape.safeParse(readJson(variable, path))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new ConfigurationError(variable, `${path}: ${issue?.path.join('.')} ${issue?.message}`)
  }
  const parties = new Map<string, Uint8Array>()
  const identities = new Set<string>()
  for (const { device_id: deviceId, identity_key: hex } of parsed.data) {
    const identityKey = hexToBytes(hex.toLowerCase())
    if (!isIdentityKey(identityKey)) {
      throw new ConfigurationError(variable, `${path}: identity_key of ${deviceId} is not an Ed25519 public key`)
    }
    if (parties.has(deviceId)) throw new ConfigurationError(variable, `${path}: device_id ${deviceId} is listed twice`)
    if (identities.has(hex.toLowerCase())) {
      throw new ConfigurationError(variable, `${path}: identity_key of ${deviceId} is that of another device`)
    }
    parties.set(deviceId, identityKey)
    identities.add(hex.toLowerCase())
  }
  return parties
}

function readJson(variable: string, path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new ConfigurationError(variable, `${path} ${error instanceof SyntaxError ? 'is not JSON' : 'cannot be read'}`)
  }
}
