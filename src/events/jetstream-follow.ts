/**
 * Following a subject live: an ephemeral push consumer that is replaced, starting after the last delivered event,
 * whenever it may have lost anything: after a reconnect, after missed heartbeats, when it was deleted, and when its
 * own delivery count skips. The server's flow control waits for the handler, so a slow handler is not flooded.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { AckPolicy, DeliverPolicy, JsHeaders, type JetStreamManager } from '@nats-io/jetstream'
import { nanos, nuid, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node'
import type { Follower, StoredEvent } from './event-log.ts'
import { deliverySubject, streamOf } from './subjects.ts'

/** The server sends one when it has nothing else to send. */
const heartbeatMs = 5000
/** Longest silence; then the consumer is gone, for instance with its server in a cluster. */
const silenceMs = 2.5 * heartbeatMs
/** The server forgets a consumer whose follower has gone. */
const forgottenAfterMs = 60_000
const retryMs = 250

export type Connection = Readonly<{
  nats: NatsConnection
  /** The client's, as the server's permissions know it. */
  name: string
  manager: JetStreamManager
  /** Called after each reconnect. */
  reconnects: Set<() => void>
}>

type Handler = (event: StoredEvent) => Promise<void> | void

/** `failed` is told what the handler threw; the follower has stopped then. */
export async function followFrom(
  connection: Connection,
  filter: string,
  afterSequence: number,
  handle: Handler,
  failed: (error: unknown) => void,
): Promise<Follower> {
  let last = afterSequence
  let closing = false
  let subscription = await openConsumer(connection, filter, last)
  const lost = (): void => subscription.unsubscribe()
  connection.reconnects.add(lost)

  async function deliver(): Promise<void> {
    let delivered = 0
    for await (const message of withinSilence(subscription)) {
      if (closing) return
      if (message.headers !== undefined && message.headers.code !== 0) {
        if (!answerStatus(connection.nats, message, delivered)) return
        continue
      }
      const position = positionOf(message)
      delivered += 1
      if (position.consumerSequence !== delivered) return
      if (position.streamSequence <= last) continue
      const sequence = position.streamSequence
      await handle({ stream: streamOf(filter), sequence, subject: message.subject, data: message.data })
      last = sequence
    }
  }

  async function run(): Promise<void> {
    while (!closing) {
      await deliver()
      subscription.unsubscribe()
      for (;;) {
        if (closing) return
        const next = await openConsumer(connection, filter, last).catch(() => null)
        if (next !== null) {
          subscription = next
          break
        }
        await delay(retryMs)
      }
    }
  }

  const running = run()
    .catch(failed)
    .finally(() => {
      subscription.unsubscribe()
      connection.reconnects.delete(lost)
    })
  return {
    close: async () => {
      closing = true
      subscription.unsubscribe()
      await running
    },
  }
}

/** Subscribes first: the server delivers as soon as the consumer exists, and drops it when the subscription is gone. */
async function openConsumer(connection: Connection, filter: string, afterSequence: number): Promise<Subscription> {
  const inbox = deliverySubject(connection.name, nuid.next())
  const subscription = connection.nats.subscribe(inbox)
  try {
    await connection.manager.consumers.add(streamOf(filter), {
      // With a name the filter is part of the request's subject, where permissions can see it.
      name: nuid.next(),
      deliver_subject: inbox,
      filter_subject: filter,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: afterSequence + 1,
      flow_control: true,
      idle_heartbeat: nanos(heartbeatMs),
      inactive_threshold: nanos(forgottenAfterMs),
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
    })
    return subscription
  } catch (error) {
    subscription.unsubscribe()
    throw error
  }
}

/** Ends the subscription when nothing, not even a heartbeat, has come for too long. Handling time does not count. */
async function* withinSilence(subscription: Subscription): AsyncGenerator<Msg> {
  const end = (): void => subscription.unsubscribe()
  let timer = setTimeout(end, silenceMs)
  try {
    for await (const message of subscription) {
      clearTimeout(timer)
      yield message
      timer = setTimeout(end, silenceMs)
    }
  } finally {
    clearTimeout(timer)
  }
}

/**
 * A flow control request is answered when all before it has been handled. A heartbeat tells how much was delivered.
 * False: the consumer has lost something, or is gone.
 */
function answerStatus(nats: NatsConnection, message: Msg, delivered: number): boolean {
  if (message.headers?.code !== 100) return false
  if (message.respond()) return true
  const stalled = message.headers.get(JsHeaders.ConsumerStalledHdr)
  if (stalled !== '') nats.publish(stalled)
  return Number(message.headers.get(JsHeaders.LastConsumerSeqHdr)) === delivered
}

/**
 * `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer
 * sequence>.<time>.<pending>…`
 */
function positionOf(message: Msg): Readonly<{ streamSequence: number; consumerSequence: number }> {
  const tokens = (message.reply ?? '').split('.')
  const first = tokens.length === 9 ? 5 : 7
  return { streamSequence: Number(tokens[first]), consumerSequence: Number(tokens[first + 1]) }
}
