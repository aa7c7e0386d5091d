/** A server party: joins by itself the sessions it is invited to, as its policy allows. */
import type { Transport } from '@connectrpc/connect'
import { approveByPolicy, type SigningPolicy } from '../approval.ts'
import type { Clock } from '../clock.ts'
import type { ExecutionHost } from '../execution/execution-host.ts'
import type { OpeningIdentity } from '../../identity/identity-key.ts'
import type { PartyLimits } from '../limits.ts'
import { createParty, type Party } from '../party.ts'
import type { PartyLog } from '../party-log.ts'
import type { PartyStore } from '../party-parts.ts'
import { createConnectTransport } from '../transport/connect-transport.ts'
import { Attendance, type AttendanceLimits } from './attendance.ts'
import { followInvitations, type OpenInvitation } from './invitations.ts'

export type ServerPartyOptions = Readonly<{
  identity: OpeningIdentity
  deviceId: string
  /** By device id; null: any server party will do. */
  peers: ReadonlyMap<string, Uint8Array> | null
  coordinator: Transport
  router: Transport
  store: PartyStore
  host: ExecutionHost
  /** About keys that have no policy of their own. */
  policy: SigningPolicy
  /** Asked about every signature that is allowed so far. */
  hook?: SigningPolicy
  clock: Clock
  log: PartyLog
  limits?: PartyLimits
  attendanceLimits?: AttendanceLimits
}>

export type RunningServerParty = Readonly<{
  party: Party
  /** True while the coordinator's stream of invitations is open. */
  isConnected: () => boolean
  runningSessions: () => number
  /** Fails what is running, with the coordinator told, and stops. */
  close: () => Promise<void>
}>

const recoveryRetryMs = 5_000

export async function startServerParty(options: ServerPartyOptions): Promise<RunningServerParty> {
  const { identity, deviceId, coordinator, router, store, host, clock, log } = options
  const stopping = new AbortController()
  const party = createParty({
    identity,
    device: { deviceType: 'server', deviceId },
    peers: options.peers,
    transport: createConnectTransport(coordinator, router, { clock }),
    ...store,
    host,
    clock,
    log,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  })
  const approve = approveByPolicy(options.policy, options.hook)
  const attend = async ({ sessionId, partyId, joinToken }: OpenInvitation): Promise<void> => {
    try {
      const outcome = await party.run({ joinToken, partyId, approve, signal: stopping.signal })
      if (outcome.kind !== 'failed') log.info({ sessionId, partyId, outcome: outcome.kind }, 'session completed')
    } catch (error) {
      log.error({ err: error, sessionId, partyId }, 'the run of a session broke')
    }
  }
  const attendance = new Attendance(attend, options.attendanceLimits)
  for (const sessionId of await party.unfinishedSessions()) attendance.exclude(sessionId)
  const recovering = recover(party, options, stopping.signal)

  let isConnected = false
  const invited = (invitation: OpenInvitation) => {
    const verdict = attendance.invite(invitation)
    if (verdict !== 'dropped') return
    log.warn({ sessionId: invitation.sessionId }, 'invitation dropped: too many sessions are waiting')
  }
  const connected = (now: boolean) => {
    if (now && !isConnected) log.info({ deviceId }, 'invitations are open')
    isConnected = now
  }
  const invitations = { identity, deviceId, clock, log, connected }
  const following = followInvitations(coordinator, invitations, invited, stopping.signal)
  return {
    party,
    isConnected: () => isConnected,
    runningSessions: () => party.runningSessions(),
    close: async () => {
      stopping.abort(new Error('the party is stopping'))
      await Promise.all([following, recovering, attendance.close()])
    },
  }
}

/** The coordinator may start after this party. */
async function recover(party: Party, { clock, log }: ServerPartyOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await party.recover(signal)
      return
    } catch (error) {
      const problem = error instanceof Error ? error.message : 'unknown'
      if (!signal.aborted)
        log.warn({ problem, retryInMs: recoveryRetryMs }, 'unfinished sessions could not be failed yet')
    }
    await clock.sleep(recoveryRetryMs, signal).catch(() => undefined)
  }
}
