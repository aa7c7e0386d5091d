/** From joined to started: this party is ready, and somebody starts the session once all are. */
import { orAborted } from '../abort.ts'
import type { Clock } from '../clock.ts'
import type { PartyLog } from '../party-log.ts'
import type { ProgressStep } from '../progress.ts'
import type { Member, PartyTransport, SessionSnapshot } from '../transport/party-transport.ts'
import type { SessionWatch } from './session-watch.ts'

export type GatherParts = Readonly<{
  transport: PartyTransport
  clock: Clock
  log: PartyLog
  startPatienceMs: number
  member: Member
  watch: SessionWatch
  emit: (step: ProgressStep) => void
  signal: AbortSignal
}>

/** The session as it started. */
export async function gather(parts: GatherParts): Promise<SessionSnapshot> {
  const { transport, member, watch, emit, signal } = parts
  const { allReady } = await transport.ready(member, signal)
  emit({ type: 'ready', allReady })
  if (allReady) await transport.start(member, signal)
  else void startIfNobodyDoes(parts)
  return orAborted(watch.until(isStarted), signal)
}

/**
 * Whoever was ready last starts the session. Should that party be gone, the others do not wait for the session to
 * expire.
 */
async function startIfNobodyDoes({
  transport,
  clock,
  log,
  startPatienceMs,
  member,
  watch,
  signal,
}: GatherParts): Promise<void> {
  try {
    const allReady = (snapshot: SessionSnapshot) => snapshot.participants.every(({ status }) => status === 'ready')
    await orAborted(
      watch.until((snapshot) => isStarted(snapshot) || allReady(snapshot)),
      signal,
    )
    if (watch.latest !== null && isStarted(watch.latest)) return
    await clock.sleep(startPatienceMs, signal)
    if (watch.latest !== null && !isStarted(watch.latest)) await transport.start(member, signal)
  } catch {
    if (!signal.aborted) log.warn({ sessionId: member.sessionId }, 'the session could not be started')
  }
}

function isStarted({ status }: SessionSnapshot): boolean {
  return status === 'in_progress' || status === 'completed'
}
