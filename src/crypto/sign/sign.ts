/**
 * Threshold ECDSA signing: DKLs23 (ePrint 2023/765), protocol 3.6, with any signer set of at least t parties. Three
 * rounds and a local end. A failed OT or multiplication check is of severity `ban`: see `Abort`.
 */
import { wipe } from '../bytes.ts'
import { decodePoint } from '../curve/secp256k1.ts'
import { sumScalars, zeroScalar, type Scalar } from '../curve/scalar.ts'
import type { EcdsaSignature } from '../ecdsa.ts'
import type { Engine } from '../engine.ts'
import { createExecution } from '../execution.ts'
import { H, hashLength, hashToScalar } from '../hash.ts'
import { peerState, type KeyShare, type OtState } from '../key-share.ts'
import { limbEngine } from '../limbs/engine.ts'
import { lagrangeAtZero } from '../polynomial.ts'
import type { Execution, Rng } from '../protocol.ts'
import { tag } from '../tags.ts'
import { finish } from './finish.ts'
import { round1 } from './round-1.ts'
import { round2 } from './round-2.ts'
import { round3 } from './round-3.ts'
import type { SignContext, SignState } from './state.ts'

export type SignParams = Readonly<{
  /** From `sessionId`, 32 bytes, never used before. */
  sid: Uint8Array
  /** Own position in the session's roster. */
  self: number
  /** For every position of the roster: that party's number in the key. */
  signers: readonly number[]
  /** 32 bytes. */
  messageHash: Uint8Array
  share: KeyShare
}>

export const signRounds = [
  { broadcast: true, direct: true },
  { broadcast: false, direct: true },
  { broadcast: true, direct: false },
]

/**
 * One signer's run. @throws RangeError naming a bad parameter, and Error when OT state with a signer has been erased;
 * both before anything is sent.
 */
export function createSign(params: SignParams, rng: Rng, engine: Engine = limbEngine): Execution<EcdsaSignature> {
  checkParams(params)
  const { sid, self, signers, share } = params
  const messageHash = params.messageHash.slice()
  const publicPoint = decodePoint(share.publicKey)
  if (publicPoint === undefined) throw new RangeError('sign: share has a malformed public key')
  const session = signSession(sid, share.publicKey, messageHash, signers)
  const message = engine.scalars.reduce(messageHash) // SEC 1 section 4.1.3, step 5: 256 bits are all of them
  const { publicKey } = share
  const context: SignContext = { engine, session, self, signers: [...signers], message, publicKey, publicPoint }
  const ot = otStates(params)
  return createExecution<SignState, EcdsaSignature>({
    parties: signers.length,
    self,
    rounds: signRounds,
    begin: () => round1(context, additiveShare(engine, share, signers, session), ot, rng),
    advance: (state, inbound) => {
      switch (state.round) {
        case 1:
          return round2(context, state, inbound, rng)
        case 2:
          return round3(context, state, inbound)
        case 3:
          return finish(context, state, inbound)
      }
    },
  })
}

/** The session id with key, message and signers (numbers in the key, by roster position) hashed in. */
export function signSession(
  sid: Uint8Array,
  publicKey: Uint8Array,
  messageHash: Uint8Array,
  signers: readonly number[],
  version: typeof tag.signSession | typeof tag.formerSignSession = tag.signSession,
): Uint8Array {
  return H(version, sid, publicKey, messageHash, signers.length, ...signers)
}

/** sk_i = λ_i(S)·p_i + ζ_i, where the ζ of all signers sum to zero: fresh shares of the key for every session. */
function additiveShare(
  engine: Engine,
  share: KeyShare,
  signers: readonly number[],
  session: Uint8Array,
): Scalar {
  const { scalars } = engine
  const zeroShares = signers
    .filter((peer) => peer !== share.index)
    .map((peer) => {
      const common = hashToScalar(tag.zeroShare, session, peerState(share, peer).zeroShareSeed)
      if (share.index < peer) return common
      const negative = scalars.subtract(zeroScalar(), common)
      wipe(common)
      return negative
    })
  const own = scalars.multiply(lagrangeAtZero(engine, share.index, signers), share.secretShare)
  const sum = sumScalars(scalars, [own, ...zeroShares])
  wipe(own, ...zeroShares)
  return sum
}

function otStates({ self, signers, share }: SignParams): ReadonlyMap<number, OtState> {
  const states = new Map<number, OtState>()
  signers.forEach((keyIndex, position) => {
    if (position === self) return
    const { ot } = peerState(share, keyIndex)
    if (ot === null) throw new Error(`sign: OT state with party ${keyIndex} was erased; the key needs a refresh`)
    states.set(position, ot)
  })
  return states
}

function checkParams({ sid, self, signers, messageHash, share }: SignParams): void {
  if (sid.length !== hashLength) throw new RangeError('sign: sid must be 32 bytes')
  if (messageHash.length !== 32) throw new RangeError('sign: messageHash must be 32 bytes')
  if (signers.length < share.threshold) throw new RangeError(`sign: signers must be at least ${share.threshold}`)
  if (new Set(signers).size !== signers.length) throw new RangeError('sign: signers must be distinct')
  const isMember = (index: number) => Number.isInteger(index) && index >= 0 && index < share.parties
  if (!signers.every(isMember)) throw new RangeError('sign: signers must be members of the key')
  if (signers[self] !== share.index) throw new RangeError('sign: self is not the owner of the share')
}
