/**
 * Calls and streams of coordinator and router that outlast a service's absence: calls are made again, streams are
 * reopened where they stopped. What is thrown in the end is the last failure as it came, or the signal's reason.
 */
import { Code, ConnectError, type CallOptions, type Client } from '@connectrpc/connect'
import type { SessionFeed } from '../../gen/mpc/coordinator/v1/session_feed_pb.ts'
import type { MessageRouter, MPCMessage } from '../../gen/mpc/router/v1/message_router_pb.ts'
import { linkedAbort } from '../abort.ts'
import type { Patience } from './backoff.ts'
import type { SessionSnapshot } from './party-transport.ts'
import { isFinalStatus, snapshotOf } from './snapshot.ts'

/**
 * What goes with every opening of a stream: its patience counts from the last news, or from when a stream ended that
 * had been open for a while, as a proxy ends the idle ones.
 */
export type Following = Readonly<{ patience: Patience; signal: AbortSignal; headers?: HeadersInit }>

export async function untilAnswered<T>(
  patience: Patience,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      await patience.pause(error, signal)
    }
  }
}

/** The session as it is, then after each change; ends after a final status. */
export async function* followSession(
  feed: Client<typeof SessionFeed>,
  sessionId: string,
  following: Following,
): AsyncGenerator<SessionSnapshot> {
  let over = false
  let isNews = false
  const open = (options: CallOptions) => {
    isNews = false // what comes first is the session as it is
    return feed.watchSession({ sessionId }, options)
  }
  // The coordinator ends the stream only after a final status; anything else is the service going away.
  for await (const { session } of reopened(following, open, () => over)) {
    if (isNews) following.patience.succeeded()
    isNews = true
    if (session === undefined || over) continue
    const snapshot = snapshotOf(session)
    over = isFinalStatus(snapshot.status)
    yield snapshot
  }
}

export type Subscription = Readonly<{ sessionId: string; partyId: string; afterSequence: bigint }>

/** The messages after a position, each once and in order; ends with the session. */
export async function* followMessages(
  router: Client<typeof MessageRouter>,
  { sessionId, partyId, afterSequence }: Subscription,
  following: Following,
): AsyncGenerator<MPCMessage> {
  let seen = afterSequence
  const open = (options: CallOptions) => router.subscribeMessages({ sessionId, partyId, afterSequence: seen }, options)
  // The router ends the stream, without an error, only with the session.
  for await (const message of reopened(following, open, (failed) => !failed)) {
    // A router that repeats itself is harmless: what was seen is left out.
    if (message.sequence > 0n && message.sequence <= seen) continue
    following.patience.succeeded()
    seen = message.sequence
    yield message
  }
}

/** `isOver`: whether a stream that ended, or broke off, had nothing more to say. */
async function* reopened<T>(
  { patience, signal, headers }: Following,
  open: (options: CallOptions) => AsyncIterable<T>,
  isOver: (failed: boolean) => boolean,
): AsyncGenerator<T> {
  for (;;) {
    const { controller, detach } = linkedAbort(signal)
    const openedAtMs = patience.nowMs()
    let ended = false
    try {
      for await (const item of open({ signal: controller.signal, ...(headers && { headers }) })) yield item
      ended = true
      if (isOver(false)) return
      throw new ConnectError('the stream ended early', Code.Unavailable)
    } catch (error) {
      ended = true
      if (isOver(true) && !signal.aborted) return
      patience.lastedSince(openedAtMs)
      await patience.pause(error, signal)
    } finally {
      detach()
      // A reader that stops early ends the call: leaving the loop alone would not.
      if (!ended) controller.abort()
    }
  }
}
