/** What one party keeps of a FROST key: noble's key package, and what its participants are called by. */
import type { FrostPublic, FrostSecret, Identifier } from '@noble/curves/abstract/frost.js'
import type { TArg } from '@noble/curves/utils.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { wipe } from '../bytes.ts'
import type { FrostKeyType } from '../key-type.ts'
import { tag } from '../tags.ts'
import { suiteOf } from './suite.ts'

export type FrostKeyShare = Readonly<{
  keyType: FrostKeyType
  /** Own number, 0-based. */
  index: number
  /** t: how many signers suffice. */
  threshold: number
  /** n. */
  parties: number
  /** 32 bytes: the key generation's session, from which the participants' identifiers follow. */
  session: Uint8Array
  /** s_i, a scalar of 32 bytes. Secret. */
  secretShare: Uint8Array
  /** Of the joint polynomial, t encoded points; the first is the key. */
  commitments: readonly Uint8Array[]
  /** s_j·G for every party j, n encoded points. */
  publicShares: readonly Uint8Array[]
  /** 32 bytes, as verifiers know it: RFC 8032's encoding, or the x coordinate (BIP-340). */
  publicKey: Uint8Array
}>

/** What everybody may know of a key. */
export type FrostPublicKey = Omit<FrostKeyShare, 'index' | 'secretShare'>

/**
 * The participants of a key as scalars: a hash of the key generation's session and each one's number. noble hashes the
 * identifier into the proof of knowledge, and nothing else that it lets us choose: so this is what binds a proof to its
 * session (ePrint 2020/852, figure 1: the context string Φ), besides telling participants apart.
 */
export function identifiersOf(keyType: FrostKeyType, session: Uint8Array, parties: number): readonly Identifier[] {
  const { Identifier } = suiteOf(keyType).frost
  const name = `${tag.frostParticipant}/${bytesToHex(session)}`
  const identifiers = Array.from({ length: parties }, (_, index) => Identifier.derive(`${name}/${index}`))
  if (new Set(identifiers).size !== parties) throw new Error('two participants hash to one identifier') // 2^-250
  return identifiers
}

/** The share in noble's form. `secret.signingShare` is the share's own array, not a copy. */
export function keyPackage(
  share: FrostKeyShare,
): Readonly<{ identifiers: readonly Identifier[]; secret: TArg<FrostSecret>; public: TArg<FrostPublic> }> {
  const { index, secretShare } = share
  const { identifiers, ...known } = publicPackage(share)
  return { identifiers, secret: { identifier: at(identifiers, index), signingShare: secretShare }, ...known }
}

/** What everybody may know of a key, in noble's form. */
export function publicPackage({
  keyType,
  session,
  threshold,
  parties,
  commitments,
  publicShares,
}: FrostPublicKey): Readonly<{ identifiers: readonly Identifier[]; public: TArg<FrostPublic> }> {
  const identifiers = identifiersOf(keyType, session, parties)
  return {
    identifiers,
    public: {
      signers: { min: threshold, max: parties },
      commitments: [...commitments],
      verifyingShares: Object.fromEntries(identifiers.map((id, party) => [id, at(publicShares, party)])),
    },
  }
}

export function wipeFrostKeyShare({ secretShare }: FrostKeyShare): void {
  wipe(secretShare)
}

/** `list[index]`, which must exist. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new RangeError(`item ${index} of ${list.length}`)
  return item
}
