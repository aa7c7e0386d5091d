/** The good end of a run: keep the result, vouch for it, report it, and see the session completed with it. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { concatBytes } from '../../crypto/bytes.ts'
import { verifySignature } from '../../crypto/ecdsa.ts'
import { verifyFrostSignature } from '../../crypto/frost/suite.ts'
import { publicKeyHex } from '../../crypto/public-key.ts'
import { resultStatement } from '../../identity/statement.ts'
import { hashWitnessed, witnessStatement, type WitnessedMessage } from '../../identity/witness.ts'
import { orAborted } from '../abort.ts'
import type { ProtocolOutput } from '../execution/execution-host.ts'
import { SessionFailure } from '../failure.ts'
import type { StoredKey } from '../store/share-store.ts'
import type { Report, SessionSnapshot, SignedWitness } from '../transport/party-transport.ts'
import type { Agreed } from './compute.ts'
import type { Roster } from './roster.ts'
import type { Run, SessionResult } from './run.ts'
import type { SessionWatch } from './session-watch.ts'
import type { Terms } from './terms.ts'

/** @throws SessionFailure, StorageError, or what the transport throws. */
export async function conclude(
  run: Run,
  { member, terms, key, roster }: Agreed,
  output: ProtocolOutput,
  witnessed: readonly WitnessedMessage[],
  watch: SessionWatch,
): Promise<SessionResult> {
  const { parts, emit, signal } = run
  const result = key === null ? await keepShare(run, terms, roster, output) : requireValid(terms, key, output)
  const report = await reportOf(run, roster, result, await witness(run, witnessed, watch))
  const { allCompleted } = await parts.transport.report(member, report, signal)
  emit({ type: 'reported', allCompleted })
  await parts.journal.close(run.sessionId)
  const completed = await orAborted(
    watch.until(({ status }) => status === 'completed'),
    signal,
  )
  requireSameResult(completed, result)
  return result
}

/** The share is on disk when this resolves, and only then may anyone hear of the key. */
async function keepShare(
  run: Run,
  terms: Terms,
  { entries, self }: Roster,
  output: ProtocolOutput,
): Promise<SessionResult> {
  if (!('share' in output)) throw new Error('key generation gave no share')
  const { sessionId: keyId, keyType, thresholdT, thresholdN, policy } = terms
  const { publicKey, share } = output
  const members = entries.map(({ partyId, identityKey }) => ({ partyId, identityKey }))
  const common = {
    keyId,
    keyType,
    epoch: 0,
    thresholdT,
    thresholdN,
    publicKey,
    members,
    erasedPeers: [],
    policy,
  } as const
  try {
    // First what it will be signed by: a share without it would sign nothing.
    if (policy !== null) await run.parts.approvals.create(keyId)
    await run.parts.shares.put({ key: { ...common, partyId: run.order.partyId, partyIndex: self }, share })
  } finally {
    share.fill(0)
  }
  run.emit({ type: 'stored', keyId })
  return { kind: 'key-made', keyId, keyType, publicKey }
}

/**
 * The execution has verified the signature where it ran; here it is verified against what this party has stored and
 * agreed to.
 */
function requireValid(terms: Terms, key: StoredKey, output: ProtocolOutput): SessionResult {
  if ('share' in output || terms.kind !== 'sign') throw new Error('signing gave no signature')
  const { message } = terms
  const { publicKey, keyId, keyType } = key
  if (output.protocol === 'frost-sign') {
    const { signature } = output
    if (keyType === 'ecdsa-secp256k1' || !verifyFrostSignature(keyType, signature, message, publicKey)) {
      throw new SessionFailure('signature_invalid', 'the signature does not verify')
    }
    return { kind: 'schnorr-signed', keyType, keyId, publicKey, message, signature }
  }
  if (keyType !== 'ecdsa-secp256k1' || !verifySignature(output, message, publicKey)) {
    throw new SessionFailure('signature_invalid', 'the signature does not verify', [], 'count')
  }
  const { r, s, recoveryId } = output
  return { kind: 'signed', keyType, keyId, publicKey, messageHash: message, r, s, recoveryId }
}

/** Null where the coordinator does not show its history. */
async function witness(
  { parts, order, sessionId }: Run,
  messages: readonly WitnessedMessage[],
  { latest }: SessionWatch,
): Promise<SignedWitness | null> {
  if (latest === null || latest.chainHead.length === 0) return null
  const { version, chainHead } = latest
  const claim = { version, chainHead, messageCount: messages.length, messagesHash: hashWitnessed(messages) }
  return { ...claim, signature: await parts.identity.sign(witnessStatement(sessionId, order.partyId, claim)) }
}

async function reportOf(
  { parts, order, sessionId }: Run,
  roster: Roster,
  result: SessionResult,
  witness: SignedWitness | null,
): Promise<Report> {
  const { partyId } = order
  const { keyType } = result
  const vouch = (bytes: Uint8Array) =>
    parts.identity.sign(resultStatement({ sessionId, partyId, rosterHash: roster.hash, keyType, result: bytes }))
  switch (result.kind) {
    case 'key-made': {
      const { publicKey } = result
      return { kind: 'key-made', publicKey, resultSignature: await vouch(publicKey), witness }
    }
    case 'signed':
    case 'schnorr-signed': {
      const { signature, recoveryId } = signatureOf(result)
      const statement = recoveryId === null ? signature : concatBytes(signature, Uint8Array.of(recoveryId))
      const resultSignature = await vouch(statement)
      return { kind: 'signed', signature, recoveryId: recoveryId ?? 0, resultSignature, witness }
    }
    default:
      return result satisfies never
  }
}

/** The coordinator must tell the world what this party has told it. */
function requireSameResult(completed: SessionSnapshot, result: SessionResult): void {
  if (agrees(completed, result)) return
  throw new SessionFailure('result_disagrees', 'the session completed with another result than ours')
}

function agrees(completed: SessionSnapshot, result: SessionResult): boolean {
  if (result.kind === 'key-made') return completed.publicKey === publicKeyHex(result.publicKey)
  const { signature, recoveryId } = signatureOf(result)
  return completed.signature === bytesToHex(signature) && completed.recoveryId === recoveryId
}

/** As reported: 64 bytes, and the recovery id that only ECDSA has. */
function signatureOf(
  result: Exclude<SessionResult, Readonly<{ kind: 'key-made' }>>,
): Readonly<{ signature: Uint8Array; recoveryId: number | null }> {
  if (result.kind === 'schnorr-signed') return { signature: result.signature, recoveryId: null }
  return { signature: concatBytes(result.r, result.s), recoveryId: result.recoveryId }
}
