/**
 * Binary form of a key share: a fixed header, the own secrets and public values, then every peer in order. One share has
 * one encoding of each version; version 1, which is still read, had compressed points. Decoding recomputes all public
 * values from the commitments, so a share that decodes is consistent in itself. The bytes are secret: the caller
 * encrypts them.
 */
import { concatBytes, equalBytes } from './bytes.ts'
import { decodeMessage, encodeMessage, bytes, messageLength, nonzeroScalar, points, uncompressedPoints } from './codec.ts'
import type { Message } from './codec.ts'
import { encodePoint, equalPoints } from './curve/secp256k1.ts'
import { limbEngine } from './limbs/engine.ts'
import type { KeyShare, OtState, PeerState } from './key-share.ts'
import { rowLength } from './ot/bit-matrix.ts'
import { seedsLength } from './ot/extension.ts'
import { evaluateCommitments, evaluationPoint } from './polynomial.ts'
import { maxParties } from './session-id.ts'

const version = 2
const versionWithCompressedPoints = 1
const curveSecp256k1 = 1
const headerLength = 5

const bodySchema = (threshold: number, parties: number, manyPoints: typeof points | typeof uncompressedPoints) =>
  [
    nonzeroScalar('secretShare'),
    manyPoints('commitments', threshold),
    manyPoints('publicShares', parties),
    bytes('chainCode', 32),
  ] as const

const peerSchema = [bytes('zeroShareSeed', 32), bytes('hasOt', 1)] as const

const otSchema = [
  bytes('delta', rowLength),
  bytes('seeds', seedsLength),
  bytes('seeds0', seedsLength),
  bytes('seeds1', seedsLength),
] as const

export function encodeKeyShare(share: KeyShare): Uint8Array {
  return concatBytes(
    Uint8Array.of(version, curveSecp256k1, share.index, share.threshold, share.parties),
    encodeMessage(bodySchema(share.threshold, share.parties, uncompressedPoints), share),
    ...share.peers.flatMap(encodePeer),
  )
}

/** @throws Error naming the field when the bytes are not exactly one consistent share of a known version. */
export function decodeKeyShare(encoded: Uint8Array): KeyShare {
  const [readVersion, curve, index, threshold, parties] = encoded
  if (readVersion !== version && readVersion !== versionWithCompressedPoints) throw refusal('version is unknown')
  if (curve !== curveSecp256k1) throw refusal('curve is unknown')
  if (parties === undefined || parties < 2 || parties > maxParties) throw refusal('parties is out of bounds')
  if (threshold === undefined || threshold < 2 || threshold > parties) throw refusal('threshold is out of bounds')
  if (index === undefined || index >= parties) throw refusal('index is out of bounds')
  let rest = encoded.subarray(headerLength)
  const take = (length: number): Uint8Array => {
    if (rest.length < length) throw refusal('bytes are missing')
    const taken = rest.subarray(0, length)
    rest = rest.subarray(length)
    return taken
  }
  const schema = bodySchema(threshold, parties, readVersion === version ? uncompressedPoints : points)
  const body = decodeMessage(schema, take(messageLength(schema)))
  const others = Array.from({ length: parties }, (_, other) => other).filter((other) => other !== index)
  const peers = others.map((other) => decodePeer(other, take))
  if (rest.length !== 0) throw refusal('bytes are left over')
  checkPublicValues(index, body)
  const [joint] = body.commitments
  if (joint === undefined) throw refusal('commitments are missing')
  return { index, threshold, parties, x: evaluationPoint(index), publicKey: encodePoint(joint), ...body, peers }
}

function checkPublicValues(index: number, body: Message<ReturnType<typeof bodySchema>>): void {
  body.publicShares.forEach((publicShare, i) => {
    if (!equalPoints(publicShare, evaluateCommitments(limbEngine, body.commitments, evaluationPoint(i)))) {
      throw refusal(`publicShares[${i}] does not follow from the commitments`)
    }
    if (i === index && !equalPoints(publicShare, limbEngine.points.multiplyBase(body.secretShare))) {
      throw refusal('secretShare does not belong to its public share')
    }
  })
}

function encodePeer(peer: PeerState): readonly Uint8Array[] {
  const { zeroShareSeed, ot } = peer
  const head = encodeMessage(peerSchema, { zeroShareSeed, hasOt: Uint8Array.of(ot === null ? 0 : 1) })
  return ot === null ? [head] : [head, encodeMessage(otSchema, { ...ot.asSender, ...ot.asReceiver })]
}

function decodePeer(index: number, take: (length: number) => Uint8Array): PeerState {
  const { zeroShareSeed, hasOt } = decodeMessage(peerSchema, take(messageLength(peerSchema)))
  if (equalBytes(hasOt, Uint8Array.of(0))) return { index, zeroShareSeed, ot: null }
  if (!equalBytes(hasOt, Uint8Array.of(1))) throw refusal(`peers[${index}].hasOt is neither 0 nor 1`)
  const { delta, seeds, seeds0, seeds1 } = decodeMessage(otSchema, take(messageLength(otSchema)))
  const ot: OtState = { asSender: { delta, seeds }, asReceiver: { seeds0, seeds1 } }
  return { index, zeroShareSeed, ot }
}

function refusal(problem: string): Error {
  return new Error(`key share: ${problem}`)
}
