/** What a signature is made of, as callers give it. */
import { hashHex } from './hex.ts'

/** With an Ed25519 key the message itself, up to 64 KiB; else a hash of 32 bytes, as bytes or as 64 hex digits. */
export type ToSign =
  | Readonly<{ messageHash: Uint8Array | string; message?: never }>
  | Readonly<{ message: Uint8Array; messageHash?: never }>

/** As requests have it. */
export function toSign({ messageHash, message }: ToSign): Readonly<{ messageHash: string; message: Uint8Array }> {
  return {
    messageHash: messageHash === undefined ? '' : hashHex(messageHash),
    message: message ?? new Uint8Array(0),
  }
}
