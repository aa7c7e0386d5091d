/**
 * Idempotency-Key: a caller that did not get the answer to a creating call repeats it with the same key, and gets the
 * answer of the first instead of a second session or account. Every protocol carries it as a header (gRPC: metadata).
 */
import { toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { Refusal } from './refusal.ts'

export const idempotencyHeader = 'Idempotency-Key'
export const idempotencyKeyPattern = /^[\x21-\x7e]{1,128}$/

/** Null where the call has none. Throws Refusal 'invalid_request' naming the header. */
export function idempotencyKeyOf(headers: Headers): string | null {
  const key = headers.get(idempotencyHeader)
  if (key === null || idempotencyKeyPattern.test(key)) return key
  const problem = 'must be 1 to 128 visible ASCII characters'
  throw new Refusal('invalid_request', `${idempotencyHeader}: ${problem}`, { [idempotencyHeader]: problem })
}

/** The key as one of `caller`, so that keys of different callers never meet: 64 hex digits, themselves a valid key. */
export function scopedKey(caller: string, key: string): string {
  // Neither names of callers nor keys have line breaks.
  return bytesToHex(sha256(utf8ToBytes(['mpc-system/v1/idempotency-key', caller, key].join('\n'))))
}

/** SHA-256 over the request, the same for every protocol that it came by. Fields that we do not know do not count. */
export function hashRequest<D extends DescMessage>(schema: D, request: MessageShape<D>): Uint8Array {
  return sha256(toBinary(schema, request, { writeUnknownFields: false }))
}

export function usedForAnotherRequest(): Refusal {
  const problem = 'was used for another request'
  return new Refusal('conflict', `the ${idempotencyHeader} ${problem}`, { [idempotencyHeader]: problem })
}
