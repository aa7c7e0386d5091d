/** One open WebSocket: sends what the subscription yields at the speed of the peer, and notices a peer that is gone. */
import type { WebSocket } from 'ws'
import type { Logger } from '../edge/log.ts'
import { isInternal } from '../edge/refusal-error.ts'
import type { RouterLimits } from './limits.ts'
import type { Delivered, Subscription } from './subscription.ts'

export type PumpLimits = Pick<RouterLimits, 'pingMs' | 'socketBufferBytes' | 'incomingFrameBytes'>

/** Runs until the session, the subscription or the connection ends. Never throws. */
export async function pump(
  socket: WebSocket,
  subscription: Subscription,
  sessionId: string,
  limits: PumpLimits,
  log: Logger,
): Promise<void> {
  const stopPinging = keepAlive(socket, limits.pingMs)
  try {
    for await (const delivered of subscription.messages()) {
      const sent = send(socket, frameOf(sessionId, delivered))
      if (socket.bufferedAmount > limits.socketBufferBytes) await sent
    }
    const outcome = subscription.outcome()
    if (outcome !== null) socket.close(1000, `session ${outcome}`)
  } catch (error) {
    if (isInternal(error)) log.error({ err: error }, 'subscription failed')
    socket.close(1013, 'the router cannot go on; subscribe again after the last sequence')
  } finally {
    stopPinging()
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

function keepAlive(socket: WebSocket, pingMs: number): () => void {
  let answered = true
  socket.on('pong', () => (answered = true))
  const timer = setInterval(() => {
    if (!answered) return socket.terminate()
    answered = false
    socket.ping()
  }, pingMs).unref()
  return () => clearInterval(timer)
}
