/**
 * Binary form of a FROST key share, version 1: a header like that of `../key-share-codec.ts`, then session, own share
 * and public values. One share has one encoding. The bytes are secret: the caller encrypts them.
 */
import { chunks, concatBytes } from '../bytes.ts'
import { bytes, decodeMessage, encodeMessage, messageLength } from '../codec.ts'
import { hashLength } from '../hash.ts'
import { maxParties } from '../session-id.ts'
import { at, keyPackage, type FrostKeyShare } from './key-share.ts'
import { scalarLength, succeeds, suiteOf } from './suite.ts'

const version = 1
const headerLength = 5
/** Numbers of the header's second byte; 1 is DKLs23's secp256k1. */
const typeNumbers = { 'eddsa-ed25519': 2, 'schnorr-secp256k1': 3 } as const
const keyTypeNumbers = Object.entries(typeNumbers) as readonly (readonly [FrostKeyShare['keyType'], number])[]

const bodySchema = (threshold: number, parties: number, pointLength: number) =>
  [
    bytes('session', hashLength),
    bytes('secretShare', scalarLength),
    bytes('commitments', threshold * pointLength),
    bytes('publicShares', parties * pointLength),
  ] as const

export function encodeFrostKeyShare(share: FrostKeyShare): Uint8Array {
  const { keyType, index, threshold, parties, session, secretShare } = share
  const schema = bodySchema(threshold, parties, suiteOf(keyType).pointLength)
  const commitments = concatBytes(...share.commitments)
  const publicShares = concatBytes(...share.publicShares)
  return concatBytes(
    Uint8Array.of(version, typeNumbers[keyType], index, threshold, parties),
    encodeMessage(schema, { session, secretShare, commitments, publicShares }),
  )
}

/**
 * @throws Error naming the field when the bytes are not exactly one share of a known version, whose own share belongs
 * to its commitments and whose public shares are points.
 */
export function decodeFrostKeyShare(encoded: Uint8Array): FrostKeyShare {
  const [readVersion, typeNumber, index, threshold, parties] = encoded
  if (readVersion !== version) throw refusal('version is unknown')
  const [keyType] = keyTypeNumbers.find(([, number]) => number === typeNumber) ?? []
  if (keyType === undefined) throw refusal('key type is unknown')
  if (parties === undefined || parties < 2 || parties > maxParties) throw refusal('parties is out of bounds')
  if (threshold === undefined || threshold < 2 || threshold > parties) throw refusal('threshold is out of bounds')
  if (index === undefined || index >= parties) throw refusal('index is out of bounds')
  const suite = suiteOf(keyType)
  const schema = bodySchema(threshold, parties, suite.pointLength)
  if (encoded.length !== headerLength + messageLength(schema)) throw refusal('length is wrong')
  const body = decodeMessage(schema, encoded.subarray(headerLength))
  const commitments = chunks(body.commitments, suite.pointLength)
  const publicShares = chunks(body.publicShares, suite.pointLength)
  if (!publicShares.every(suite.isPoint)) throw refusal('publicShares are no points')
  const publicKey = suite.publicKeyOf(at(commitments, 0))
  const { session, secretShare } = body
  const share = { keyType, index, threshold, parties, session, secretShare, commitments, publicShares, publicKey }
  const { secret, public: publicPackage } = keyPackage(share)
  const fits = succeeds(() => {
    suite.frost.validateSecret(secret, publicPackage)
    return true
  })
  if (!fits) throw refusal('secretShare does not belong to its commitments')
  return share
}

function refusal(problem: string): Error {
  return new Error(`frost key share: ${problem}`)
}
