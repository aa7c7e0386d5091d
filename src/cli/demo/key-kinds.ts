/** What the demo signs with a key of each type, and which code that is not ours then checks it. */
import type { KeyType } from '../../crypto/key-type.ts'
import type { ExpectedSigning } from '../../party/approval.ts'
import type { MpcSession, ToSign } from './account-client.ts'
import { checkSignature, verifierName } from './independent-check.ts'
import { libsecp256k1VerifiesBip340, opensslVerifiesEd25519 } from './schnorr-check.ts'

export type KeyKind = Readonly<{
  keyType: KeyType
  /** As the request has it. */
  toSign: ToSign
  /** As a device agrees to it. */
  expected: ExpectedSigning
  /** Throws Error saying what is wrong. `publicKey` as the API shows it. */
  check: (session: MpcSession, signature: string, publicKey: string) => void
  /** Who says that the signature is valid, and of what. */
  verdict: string
}>

/** The hash of the API reference, section 4.3. */
export const documentedHash = '8dcd9f3511659638d5c33938ddb7fee9bb63533b94a97c7467d3fd36abbdca81'
const message = 'Ed25519 signs messages, not hashes.'

const hash = Buffer.from(documentedHash, 'hex')
const hashes = { toSign: { message_hash: documentedHash }, expected: { messageHash: hash } } as const

const kinds: Readonly<Record<KeyType, KeyKind>> = {
  'ecdsa-secp256k1': {
    keyType: 'ecdsa-secp256k1',
    ...hashes,
    check: (session, signature, publicKey) => {
      const recoveryId = session.recovery_id
      if (recoveryId === undefined) throw new Error('the session shows no recovery id')
      const checked = checkSignature({ publicKey, messageHash: documentedHash, signature, recoveryId })
      if (!checked.valid) throw new Error('the signature does not verify')
      if (!checked.recoversPublicKey) throw new Error(`recovery id ${recoveryId} does not lead to the public key`)
    },
    verdict: `${verifierName}: the signature is valid, and the public key is recovered from it`,
  },
  'eddsa-ed25519': {
    keyType: 'eddsa-ed25519',
    toSign: { message: Buffer.from(message).toString('base64') },
    expected: { message: Buffer.from(message) },
    check: (_, signature, publicKey) =>
      requireValid(opensslVerifiesEd25519, signature, Buffer.from(message), publicKey),
    verdict: 'OpenSSL: the signature is valid',
  },
  'schnorr-secp256k1': {
    keyType: 'schnorr-secp256k1',
    ...hashes,
    check: (_, signature, publicKey) => requireValid(libsecp256k1VerifiesBip340, signature, hash, publicKey),
    verdict: `BIP-340's equation with the points of ${verifierName}: the signature is valid`,
  },
}

export function kindOfKey(keyType: KeyType): KeyKind {
  return kinds[keyType]
}

type Verifies = typeof opensslVerifiesEd25519

function requireValid(verifies: Verifies, signature: string, signed: Uint8Array, publicKey: string): void {
  if (verifies(Buffer.from(signature, 'hex'), signed, Buffer.from(publicKey, 'hex'))) return
  throw new Error('the signature does not verify')
}
