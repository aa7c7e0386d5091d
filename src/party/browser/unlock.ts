/**
 * A secret that the application adds to what the browser keeps, so that a copy of the browser's files alone opens
 * nothing: what a person remembers, or what a passkey computes (WebAuthn PRF extension).
 */
import { hkdf } from '@noble/hashes/hkdf.js'
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import type { Rng } from '../../crypto/protocol.ts'
import { StorageError } from '../store/records.ts'

export type Unlock =
  | Readonly<{ passphrase: string }>
  /** At least 32 bytes that nobody can guess. */
  | Readonly<{ secret: Uint8Array }>

/** What is stored of it: which kind, and the salt. */
export type UnlockForm = Readonly<{ kind: 'passphrase' | 'secret'; salt: Uint8Array<ArrayBuffer> }>

const saltLength = 16
const leastSecretLength = 32

/** OWASP Password Storage Cheat Sheet (2023): N = 2^17, r = 8, p = 1; 128 MiB and about a second. */
const scryptCost = { N: 2 ** 17, r: 8, p: 1, dkLen: 32 }

/** @throws StorageError when the secret is too short. */
export function newUnlockForm(unlock: Unlock, rng: Rng): UnlockForm {
  const salt = Uint8Array.from(rng(saltLength))
  if ('passphrase' in unlock) {
    if (unlock.passphrase === '') throw new StorageError('unlock.passphrase: must not be empty')
    return { kind: 'passphrase', salt }
  }
  if (unlock.secret.length < leastSecretLength) throw new StorageError('unlock.secret: must have at least 32 bytes')
  return { kind: 'secret', salt }
}

/** 32 bytes. @throws StorageError when the store is locked in another way than `unlock` opens. */
export async function unlockingKey(form: UnlockForm, unlock: Unlock | null): Promise<Uint8Array> {
  if (form.kind === 'passphrase' && unlock !== null && 'passphrase' in unlock) {
    // The same passphrase typed on another keyboard may come in other code points (RFC 8265, section 4.2: NFC; NFKC
    // also folds the widths of CJK input methods).
    return scryptAsync(utf8ToBytes(unlock.passphrase.normalize('NFKC')), form.salt, scryptCost)
  }
  if (form.kind === 'secret' && unlock !== null && 'secret' in unlock) {
    return hkdf(sha256, unlock.secret, form.salt, utf8ToBytes('mpc-system/v1/unlock'), 32)
  }
  throw new StorageError(`unlock: the store opens with a ${form.kind} only`)
}
