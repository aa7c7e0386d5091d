/** Joining: fresh keys and a fresh nonce for every session, written to the journal before anyone sees them. */
import { Refusal } from '../../edge/refusal.ts'
import { joinStatement } from '../../identity/statement.ts'
import { SessionFailure } from '../failure.ts'
import type { JoinKeys, Member } from '../transport/party-transport.ts'
import type { Run } from './run.ts'

export type OwnJoin = Readonly<{ member: Member; partyIndex: number; keys: JoinKeys }>

/**
 * `ephemeralKey`: X25519, made for this session only. @throws SessionFailure 'join_refused', or what the transport
 * throws.
 */
export async function join(run: Run, ephemeralKey: Uint8Array): Promise<OwnJoin> {
  const { parts, order, sessionId, signal } = run
  const keys = await joinKeys(run, ephemeralKey)
  const request = { joinToken: order.joinToken, partyId: order.partyId, ...parts.device, keys }
  await parts.journal.open(sessionId, request)
  try {
    const { sessionId: answered, partyIndex, credential } = await parts.transport.join(request, signal)
    if (answered !== sessionId) throw new SessionFailure('join_refused', 'the coordinator answered for another session')
    const member = { sessionId, partyId: order.partyId, credential }
    run.member = member
    run.emit({ type: 'joined', partyIndex })
    return { member, partyIndex, keys }
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'unavailable') throw error // it may have been heard
    await parts.journal.close(sessionId)
    throw new SessionFailure('join_refused', error.message)
  }
}

async function joinKeys({ parts, sessionId, order }: Run, ephemeralKey: Uint8Array): Promise<JoinKeys> {
  const contribution = { identityKey: parts.identity.publicKey, ephemeralKey, nonce: parts.rng(32) }
  const signature = await parts.identity.sign(joinStatement({ sessionId, partyId: order.partyId, ...contribution }))
  return { ...contribution, signature }
}
