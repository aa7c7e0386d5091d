/** FROST keys and signing runs for tests, from seeded randomness. */
import { createFrostKeygen } from '../../../../src/crypto/frost/keygen.ts'
import type { FrostKeyShare } from '../../../../src/crypto/frost/key-share.ts'
import { createFrostSign, type FrostSignature } from '../../../../src/crypto/frost/sign.ts'
import type { FrostKeyType } from '../../../../src/crypto/key-type.ts'
import type { Execution } from '../../../../src/crypto/protocol.ts'
import { hashOf, seededRng } from '../fixtures.ts'
import { resultsOf, runProtocol } from '../run-protocol.ts'

export const frostKeyTypes = ['eddsa-ed25519', 'schnorr-secp256k1'] as const satisfies readonly FrostKeyType[]

export function frostKeygenParties(
  keyType: FrostKeyType,
  threshold: number,
  parties: number,
  label: string,
): Execution<FrostKeyShare>[] {
  const sid = hashOf(`sid ${label}`)
  return Array.from({ length: parties }, (_, self) =>
    createFrostKeygen({ keyType, sid, self, threshold, parties }, seededRng(`${label}/${self}`)),
  )
}

export function makeFrostKey(
  keyType: FrostKeyType,
  threshold: number,
  parties: number,
  label = `${keyType} ${threshold}-of-${parties}`,
): FrostKeyShare[] {
  return resultsOf(runProtocol(frostKeygenParties(keyType, threshold, parties, label)))
}

export type FrostSignOptions = Readonly<{ message?: Uint8Array; label?: string; sid?: Uint8Array }>

/** One execution for every signer, in the order given. */
export function frostSignParties(
  key: readonly FrostKeyShare[],
  signers: readonly number[],
  options: FrostSignOptions = {},
): Execution<FrostSignature>[] {
  const { label = `sign ${signers.join()}`, message = hashOf('message'), sid = hashOf(`sid ${label}`) } = options
  return signers.map((index, self) =>
    createFrostSign({ sid, self, signers, message, share: frostShareOf(key, index) }, seededRng(`${label}/${self}`)),
  )
}

export function frostShareOf(key: readonly FrostKeyShare[], index: number): FrostKeyShare {
  const share = key[index]
  if (share === undefined) throw new Error(`no share ${index}`)
  return share
}
