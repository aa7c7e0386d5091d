/**
 * FROST as seen from outside. All but the shares of key generation is public, so a spectator computes the whole public
 * key package from the contributions, and a signature from the broadcasts of its signers.
 */
import type { Identifier, NonceCommitments } from '@noble/curves/abstract/frost.js'
import { chunks, concatBytes, equalBytes } from '../bytes.ts'
import type { FrostKeyType } from '../key-type.ts'
import type { Rng } from '../protocol.ts'
import { TranscriptReader, type Broadcasts, type Fault } from '../transcript.ts'
import { unprovenContributions } from './blame.ts'
import { confirmationOf } from './keygen-end.ts'
import { contributionOf, frostKeygenSession } from './keygen.ts'
import { at, identifiersOf, publicPackage, type FrostPublicKey } from './key-share.ts'
import { jointKey } from './joint-key.ts'
import {
  keygenRound1,
  keygenRound2Broadcast,
  keygenRound3,
  signRound1,
  signRound2,
  type KeygenRound1,
} from './messages.ts'
import { frostSignSession } from './sign.ts'
import { succeeds, suiteOf } from './suite.ts'

export type FrostKeygenTranscript = Readonly<{
  keyType: FrostKeyType
  /** From `sessionId`, 32 bytes. */
  sid: Uint8Array
  threshold: number
  parties: number
  broadcasts: Broadcasts
}>

export type FrostKeygenJudgement = Readonly<{
  faults: readonly Fault[]
  /** Null while the contributions are not complete and sound. */
  key: FrostPublicKey | null
}>

/** `rng`: for values that only fill places; they need not be secret. */
export function judgeFrostKeygen(transcript: FrostKeygenTranscript, rng: Rng): FrostKeygenJudgement {
  const { keyType, threshold, parties, broadcasts } = transcript
  const suite = suiteOf(keyType)
  const session = frostKeygenSession(transcript)
  const reader = new TranscriptReader(broadcasts, parties, session)
  const contributions = reader.messages(1, keygenRound1(threshold, suite.pointLength))
  reader.checkViews(2, reader.messages(2, keygenRound2Broadcast))
  const confirmed = reader.messages(3, keygenRound3)
  if (!reader.isComplete(contributions)) return { faults: reader.faults, key: null }
  const commitments = [...contributions].map(
    ([from, message]) => [from, pointsOf(message, suite.pointLength)] as const,
  )
  const malformed = commitments.filter(([, points]) => !points.every(suite.isPoint)).map(([from]) => from)
  reader.blame(1, malformed, 'malformed-message')
  if (malformed.length > 0) return { faults: reader.faults, key: null }
  const unproven = unprovenOf({ ...transcript, session }, contributions, rng)
  reader.blame(1, unproven, 'proof-invalid')
  const points = commitments.map(([, own]) => own)
  const key = jointKeyOrNull({ keyType, session, threshold, parties }, points)
  if (key === null) return { faults: reader.faults, key }
  reader.checkEqual(3, confirmed, (message) => message.confirmation, confirmationOf(key), 'confirmation-mismatch')
  return { faults: reader.faults, key: unproven.length === 0 ? key : null }
}

export type FrostSignTranscript = Readonly<{
  sid: Uint8Array
  key: FrostPublicKey
  message: Uint8Array
  /** For every position of the roster: that party's number in the key. */
  signers: readonly number[]
  broadcasts: Broadcasts
  /** The signature that came out, 64 bytes; null where none did. */
  signature: Uint8Array | null
}>

export function judgeFrostSigning(transcript: FrostSignTranscript): readonly Fault[] {
  const { sid, key, message, signers, broadcasts, signature } = transcript
  const suite = suiteOf(key.keyType)
  const session = frostSignSession(sid, key.publicKey, message, signers)
  const reader = new TranscriptReader(broadcasts, signers.length, session)
  const nonces = reader.messages(1, signRound1(suite.pointLength))
  const shares = reader.messages(2, signRound2)
  reader.checkViews(2, shares)
  if (signature === null || !reader.isComplete(nonces) || !reader.isComplete(shares)) return reader.faults
  const { identifiers, public: known } = publicPackage(key)
  const identifierOf = (position: number): Identifier => at(identifiers, at(signers, position))
  const list = [...nonces].map(([from, { hiding, binding }]): NonceCommitments => {
    return { identifier: identifierOf(from), hiding: Uint8Array.from(hiding), binding: Uint8Array.from(binding) }
  })
  const responses = Object.fromEntries([...shares].map(([from, { share }]) => [identifierOf(from), share]))
  const addsUp = succeeds(() => equalBytes(suite.frost.aggregate(known, list, message, responses), signature))
  if (!addsUp) reader.blame(2, [...shares.keys()], 'signature-invalid')
  return reader.faults
}

function pointsOf({ constantCommitment, otherCommitments }: KeygenRound1, pointLength: number): Uint8Array[] {
  return chunks(concatBytes(constantCommitment, otherCommitments), pointLength)
}

/** Null where the contributions cancel out: then there is no key, and nobody can be named. */
function jointKeyOrNull(...args: Parameters<typeof jointKey>): FrostPublicKey | null {
  try {
    const key = jointKey(...args)
    const { isPoint } = suiteOf(key.keyType)
    return [...key.commitments, ...key.publicShares].every(isPoint) ? key : null
  } catch {
    return null
  }
}

/** A participant judges all others: two of them judge everyone. */
function unprovenOf(
  { keyType, threshold, parties, session }: Pick<FrostPublicKey, 'keyType' | 'threshold' | 'parties' | 'session'>,
  messages: ReadonlyMap<number, KeygenRound1>,
  rng: Rng,
): readonly number[] {
  const suite = suiteOf(keyType)
  const identifiers = identifiersOf(keyType, session, parties)
  const unproven = [0, 1].flatMap((self) => {
    const others = [...messages].filter(([from]) => from !== self)
    const contributions = new Map(
      others.map(([from, message]) => [from, contributionOf({ suite, identifiers }, from, message)]),
    )
    return unprovenContributions({ suite, self, threshold, parties, identifiers }, contributions, rng)
  })
  return [...new Set(unproven)].sort((a, b) => a - b)
}
