/**
 * One open WebSocket: sends what the subscription yields at the speed of the peer, and drops a peer that is gone, does
 * not read, or sends what it should not. `ws` itself answers the peer's pings, with a bound on answers that wait.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { RawData, WebSocket } from 'ws'
import type { Logger } from '../edge/log.ts'
import { isInternal } from '../edge/refusal-error.ts'
import type { RouterLimits } from './limits.ts'
import type { DropReason } from './metrics.ts'
import type { Delivered, Subscription } from './subscription.ts'

export type PumpParts = Readonly<{
  limits: Pick<RouterLimits, 'pingMs' | 'drainMs' | 'socketBufferBytes' | 'incomingFrameBytes' | 'incomingFrames'>
  log: Logger
  dropped: (reason: DropReason) => void
}>

/** Runs until the session, the subscription or the connection ends. Never throws. */
export async function pump(
  socket: WebSocket,
  subscription: Subscription,
  sessionId: string,
  parts: PumpParts,
): Promise<void> {
  const { drainMs, socketBufferBytes } = parts.limits
  const guard = guardSocket(socket, parts)
  try {
    for await (const delivered of subscription.messages()) {
      const sent = send(socket, frameOf(sessionId, delivered))
      if (socket.bufferedAmount <= socketBufferBytes) continue
      if (!(await isWithin(sent, drainMs))) {
        parts.dropped('slow')
        return socket.close(1008, 'too slow; subscribe again after the last sequence')
      }
      guard.alive()
    }
    const outcome = subscription.outcome()
    if (outcome !== null) socket.close(1000, `session ${outcome}`)
  } catch (error) {
    if (isInternal(error)) parts.log.error({ err: error }, 'subscription failed')
    socket.close(1013, 'the router cannot go on; subscribe again after the last sequence')
  } finally {
    guard.stop()
    subscription.close()
  }
}

/** The documented message as JSON: snake_case, payload in base64, numbers as numbers. */
export function frameOf(sessionId: string, { entry, payload }: Delivered): string {
  return JSON.stringify({
    session_id: sessionId,
    from_party: entry.from,
    to_parties: entry.to,
    round: entry.round,
    payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64'),
    is_broadcast: entry.to.length === 0,
    timestamp: Math.floor(entry.timeMs / 1000),
    sequence: entry.sequence,
  })
}

/** Resolves when the frame has left for the network, or never will: then the socket's close ends the subscription. */
function send(socket: WebSocket, frame: string): Promise<void> {
  return new Promise((resolve) => socket.send(frame, () => resolve()))
}

async function isWithin(work: Promise<void>, timeMs: number): Promise<boolean> {
  const inTime = new AbortController()
  const late = delay(timeMs, false, { signal: inTime.signal }).catch(() => true)
  const result = await Promise.race([work.then(() => true), late])
  inTime.abort()
  return result
}

type Guard = Readonly<{
  /** To be called when the peer has taken what waited for it: its pong may come late, behind all that. */
  alive: () => void
  stop: () => void
}>

/** Pings the peer, and drops it when it leaves a ping unanswered until the next or sends too much. */
function guardSocket(socket: WebSocket, { limits, dropped }: PumpParts): Guard {
  let answered = true
  let frames = 0
  const alive = (): void => void (answered = true)
  const drop = (reason: DropReason, end: () => void): void => {
    stop()
    dropped(reason)
    end()
  }
  const received = (): void => {
    frames += 1
    if (frames > limits.incomingFrames) drop('flooding', () => socket.close(1008, 'too many frames'))
  }
  const onPong = (): void => (alive(), received())
  const onMessage = (data: RawData): void => {
    if (sizeOf(data) > limits.incomingFrameBytes) drop('oversized', () => socket.close(1009, 'the frame is too large'))
    else received()
  }
  const timer = setInterval(() => {
    if (!answered) return drop('silent', () => socket.terminate())
    answered = false
    frames = 0
    socket.ping()
  }, limits.pingMs).unref()
  const listeners = { pong: onPong, ping: received, message: onMessage } as const
  for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener)
  const stop = (): void => {
    clearInterval(timer)
    for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener)
  }
  return { alive, stop }
}

function sizeOf(data: RawData): number {
  return Array.isArray(data) ? data.reduce((sum, part) => sum + part.length, 0) : data.byteLength
}
