/**
 * Signing by FROST (RFC 9591, section 5) through @noble/curves: two rounds and a local end, with any signer set of at
 * least t members of the key. Every signer is its own aggregator. Ours are the session in every message, the echo of
 * round 1, nonces that work once, and the naming of whoever sent a wrong share.
 */
import type { NonceCommitments } from '@noble/curves/abstract/frost.js'
import { encodeMessage } from '../codec.ts'
import { abort, createExecution, type Outcome, type RoundState } from '../execution.ts'
import { H, hashLength } from '../hash.ts'
import { broadcastView, messageOf, offenders, open } from '../inbound.ts'
import { canSign, type FrostKeyType } from '../key-type.ts'
import type { Abort, Execution, Inbound, Rng } from '../protocol.ts'
import { tag } from '../tags.ts'
import { at, keyPackage, type FrostKeyShare } from './key-share.ts'
import { signRound1, signRound2, type SignRound1 } from './messages.ts'
import { drawNonce, type Nonce } from './nonce.ts'
import { releasing } from './release.ts'
import { aggregate } from './sign-end.ts'
import { suiteOf, type Suite } from './suite.ts'

export type FrostSignParams = Readonly<{
  /** From `sessionId`, 32 bytes, never used before. */
  sid: Uint8Array
  /** Own position in the session's roster. */
  self: number
  /** For every position of the roster: that party's number in the key. */
  signers: readonly number[]
  /** Ed25519: the message. BIP-340: a hash of 32 bytes. */
  message: Uint8Array
  /** Must outlive the run, which only reads it. */
  share: FrostKeyShare
}>

export type FrostSignature = Readonly<{
  keyType: FrostKeyType
  /** 64 bytes: R‖s of RFC 8032, or x(R)‖s of BIP-340. */
  signature: Uint8Array
  /** 32 bytes. */
  publicKey: Uint8Array
}>

export type SignContext = Readonly<{
  suite: Suite
  /** The session id with key, message and signers hashed in. */
  session: Uint8Array
  self: number
  message: Uint8Array
  publicKey: Uint8Array
  /** The key in noble's form. */
  key: ReturnType<typeof keyPackage>
  /** By position in the roster. */
  identifiers: readonly string[]
}>

type AfterRound1 = RoundState & Readonly<{ round: 1; nonce: Nonce; broadcast: Uint8Array }>
/** Nothing in it is secret any more. */
export type AfterRound2 = RoundState &
  Readonly<{ round: 2; list: readonly NonceCommitments[]; share: Uint8Array; view: Uint8Array }>
type State = AfterRound1 | AfterRound2

export const frostSignRounds = [
  { broadcast: true, direct: false },
  { broadcast: true, direct: false },
]

/** One signer's run. @throws RangeError naming a bad parameter, before anything is sent. */
export function createFrostSign(params: FrostSignParams, rng: Rng): Execution<FrostSignature> {
  checkParams(params)
  const { sid, self, share } = params
  const { keyType, publicKey } = share
  const [message, signers] = [params.message.slice(), [...params.signers]]
  const session = frostSignSession(sid, publicKey, message, signers)
  const key = keyPackage(share)
  const identifiers = signers.map((index) => at(key.identifiers, index))
  const context: SignContext = { suite: suiteOf(keyType), session, self, message, publicKey, key, identifiers }
  const held: { nonce?: Nonce } = {}
  const execution = createExecution<State, FrostSignature>({
    parties: signers.length,
    self,
    rounds: frostSignRounds,
    begin: () => {
      held.nonce = drawNonce(context.suite.frost, key.secret, rng)
      return round1(context, held.nonce)
    },
    advance: (state, inbound) =>
      state.round === 1 ? round2(context, state, inbound) : aggregate(context, state, inbound),
  })
  return releasing(execution, () => held.nonce?.erase())
}

/** The session id with key, message and signers (numbers in the key, by roster position) hashed in. */
export function frostSignSession(
  sid: Uint8Array,
  publicKey: Uint8Array,
  message: Uint8Array,
  signers: readonly number[],
): Uint8Array {
  return H(tag.frostSignSession, sid, publicKey, message, signers.length, ...signers)
}

/** (D_i, E_i) = (d_i·G, e_i·G). */
function round1({ suite, session }: SignContext, nonce: Nonce): Outcome<AfterRound1, never> {
  const { hiding, binding } = nonce.commitments
  const broadcast = encodeMessage(signRound1(suite.pointLength), { session, hiding, binding })
  return {
    kind: 'next',
    state: { round: 1, erasable: [], nonce, broadcast },
    outbound: [{ kind: 'broadcast', body: broadcast }],
  }
}

/** z_i = d_i + ρ_i·e_i + λ_i·s_i·c, with the hash of the commitments it was computed for. */
function round2(context: SignContext, state: AfterRound1, inbound: readonly Inbound[]): Outcome<AfterRound2, never> {
  const { suite, session, self, key, message, identifiers } = context
  const opened = open(inbound, 'broadcast', signRound1(suite.pointLength), session)
  if (opened.kind === 'abort') return opened
  // The sender is who the channel says: a message has no identifier of its own.
  const list = identifiers.map((identifier, position) => {
    if (position === self) return state.nonce.commitments
    const { hiding, binding } = messageOf(opened.messages, position)
    return { identifier, hiding: Uint8Array.from(hiding), binding: Uint8Array.from(binding) }
  })
  let share: Uint8Array
  try {
    share = state.nonce.sign(key.public, list, message)
  } catch (error) {
    return blameForCommitments(suite, opened.messages, error)
  }
  const view = broadcastView(session, 1, inbound, { from: self, body: state.broadcast })
  return {
    kind: 'next',
    state: { round: 2, erasable: [], list, share, view },
    outbound: [{ kind: 'broadcast', body: encodeMessage(signRound2, { session, view, share }) }],
  }
}

/** Points that are none. @throws `error` where all of them are. */
function blameForCommitments(suite: Suite, messages: ReadonlyMap<number, SignRound1>, error: unknown): Abort {
  const malformed = offenders(messages, ({ hiding, binding }) => suite.isPoint(hiding) && suite.isPoint(binding))
  if (malformed.length === 0) throw error
  return abort('malformed-message', malformed)
}

function checkParams({ sid, self, signers, message, share }: FrostSignParams): void {
  if (sid.length !== hashLength) throw new RangeError('frost sign: sid must be 32 bytes')
  if (!canSign(share.keyType, message)) throw new RangeError(`frost sign: message is none that ${share.keyType} signs`)
  if (signers.length < share.threshold) throw new RangeError(`frost sign: signers must be at least ${share.threshold}`)
  if (new Set(signers).size !== signers.length) throw new RangeError('frost sign: signers must be distinct')
  const isMember = (index: number) => Number.isInteger(index) && index >= 0 && index < share.parties
  if (!signers.every(isMember)) throw new RangeError('frost sign: signers must be members of the key')
  if (signers[self] !== share.index) throw new RangeError('frost sign: self is not the owner of the share')
}
