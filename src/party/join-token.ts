/** A join token names its session, so that a party can sign what it joins before it calls anyone. */
import { bytesToHex } from '@noble/hashes/utils.js'

const prefix = 'mpc_join_'
const form = /^mpc_join_([A-Za-z0-9_-]{64})$/
const sessionIdLength = 16

/** The session id (UUID) in a join token: `mpc_join_`, then base64url of 16 + 32 bytes. Undefined for anything else. */
export function sessionIdOfToken(joinToken: string): string | undefined {
  if (!form.test(joinToken)) return undefined
  const base64 = joinToken.slice(prefix.length).replaceAll('-', '+').replaceAll('_', '/')
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const hex = bytesToHex(bytes.subarray(0, sessionIdLength))
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
