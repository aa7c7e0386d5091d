/** Protocols that members of a group lie in, and what follows from a lie in one. */
import type { FailureReason } from '../../src/party/failure.ts'
import type { Consequence } from '../unit/crypto/sign-damage.ts'
import { mallory, type Lie } from './lie.ts'

export type Protocol = Pick<Lie, 'session' | 'keyType'>

export const ecdsaSign = { session: 'sign', keyType: 'ecdsa-secp256k1' } as const
export const ecdsaKeygen = { session: 'keygen', keyType: 'ecdsa-secp256k1' } as const
export const ed = { keyType: 'eddsa-ed25519' } as const
export const bip340 = { keyType: 'schnorr-secp256k1' } as const
export const pair = ['alice', mallory]
export const tell = () => {}

/** How honest parties end when this follows from what mallory sent. */
export function ending({ reason, blame, severity }: Consequence): Pick<Lie, 'end' | 'blamed' | 'banned'> {
  // Both spell the same closed set: failure.ts.
  const end = [reason.replaceAll('-', '_') as FailureReason]
  return { end, blamed: blame === 'names the sender' ? [mallory] : [], banned: severity === 'ban' }
}
