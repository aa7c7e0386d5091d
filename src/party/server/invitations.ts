/** Following a server party's invitations at the coordinator, for as long as the party runs. */
import { createClient, type Transport } from '@connectrpc/connect'
import { SessionFeed, type Invitation } from '../../gen/mpc/coordinator/v1/session_feed_pb.ts'
import type { OpeningIdentity } from '../../identity/identity-key.ts'
import { open, unpackSealed } from '../../identity/seal.ts'
import { invitationsStatement, statement } from '../../identity/statement.ts'
import type { Clock } from '../clock.ts'
import { sessionIdOfToken } from '../join-token.ts'
import type { PartyLog } from '../party-log.ts'

export type OpenInvitation = Readonly<{ sessionId: string; partyId: string; joinToken: string }>

export type InvitationsOptions = Readonly<{
  identity: OpeningIdentity
  deviceId: string
  clock: Clock
  log: PartyLog
  /** Told whenever the stream opens and whenever it is lost. */
  connected: (isConnected: boolean) => void
}>

const firstDelayMs = 100
const maxDelayMs = 5_000

/** Never throws: reconnects until aborted. `invited` sees an invitation again after each reconnection. */
export async function followInvitations(
  coordinator: Transport,
  options: InvitationsOptions,
  invited: (invitation: OpenInvitation) => void,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, connected } = options
  const feed = createClient(SessionFeed, coordinator)
  let delayMs = firstDelayMs
  while (!signal.aborted) {
    try {
      // The first item is empty: it only says that the stream is open.
      for await (const { invitation } of feed.watchInvitations(await request(options), { signal })) {
        delayMs = firstDelayMs
        connected(true)
        const opened = invitation === undefined ? undefined : await openInvitation(options, invitation)
        if (opened !== undefined) invited(opened)
      }
    } catch (error) {
      const problem = error instanceof Error ? error.message : 'unknown'
      if (!signal.aborted) log.warn({ problem, retryInMs: delayMs }, 'no invitations from the coordinator')
    }
    connected(false)
    await clock.sleep(delayMs, signal).catch(() => undefined)
    delayMs = Math.min(delayMs * 2, maxDelayMs)
  }
}

async function request({ identity, deviceId, clock }: InvitationsOptions) {
  const signedAtMs = clock.nowMs()
  const signature = await identity.sign(invitationsStatement({ deviceId, signedAtMs }))
  return { deviceId, signedAtMs: BigInt(signedAtMs), signature }
}

/** Undefined for an invitation that was not sealed to this party, for this session and party id. */
async function openInvitation(
  options: InvitationsOptions,
  invitation: Invitation,
): Promise<OpenInvitation | undefined> {
  const { identity, deviceId, log } = options
  const { sessionId, partyId, sealedJoinToken } = invitation
  const secret = identity.openingSecret()
  const info = statement('joinTokenSeal', [sessionId])
  const aad = statement('joinTokenSeal', [sessionId, partyId, deviceId])
  const opened = await open(secret, info, aad, unpackSealed(sealedJoinToken))
  secret.fill(0)
  const joinToken = opened === null ? undefined : new TextDecoder().decode(opened)
  if (joinToken === undefined || sessionIdOfToken(joinToken) !== sessionId) {
    log.warn({ sessionId, partyId }, 'invitation dropped: its join token does not open')
    return undefined
  }
  return { sessionId, partyId, joinToken }
}
