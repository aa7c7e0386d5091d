/**
 * A pair of signing nonces that signs once. Two signatures under one pair give away the share (RFC 9591, section 5.2),
 * and noble's nonces are plain objects: a copy of one would sign again. These never leave the closure, so there is
 * nothing to copy, and they are gone once anything was computed from them, even if it was nothing in the end.
 */
import type { FROST, NonceCommitments, Nonces } from '@noble/curves/abstract/frost.js'
import type { TArg } from '@noble/curves/utils.js'
import { wipe } from '../bytes.ts'
import type { Rng } from '../protocol.ts'
import { withDrawn } from './release.ts'

type SignShare = Parameters<FROST['signShare']>

export type Nonce = Readonly<{
  /** (D_i, E_i) */
  commitments: NonceCommitments
  /** z_i. Uses the nonces up, also where it throws. @throws Error when they are used up, and what noble throws. */
  sign: (publicPackage: SignShare[1], list: SignShare[3], message: Uint8Array) => Uint8Array
  erase: () => void
}>

/** RFC 9591, section 5.1: each nonce is a hash of fresh randomness and the share. `secret` must outlive the nonce. */
export function drawNonce(frost: FROST, secret: TArg<SignShare[0]>, rng: Rng): Nonce {
  const { nonces, commitments } = withDrawn(rng, (drawing) => frost.commit(secret, drawing))
  let unused: Nonces | undefined = nonces
  const erase = () => {
    unused = undefined
    wipe(nonces.hiding, nonces.binding)
  }
  return {
    commitments,
    erase,
    sign: (publicPackage, list, message) => {
      if (unused === undefined) throw new Error('frost sign: this nonce is used up')
      try {
        return frost.signShare(secret, publicPackage, unused, list, message)
      } finally {
        erase()
      }
    },
  }
}
