/**
 * Reading the log back, up to the end it has when the reading begins: through an ephemeral pull consumer with one
 * filter subject, which exists on every nats-server from 2.9 on. A consumer lost to a server restart is replaced at
 * the next position.
 */
import {
  AckPolicy,
  DeliverPolicy,
  type Consumer,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  type StoredMsg,
} from '@nats-io/jetstream'
import { nanos, nuid } from '@nats-io/transport-node'
import type { StoredEvent, StreamName } from './event-log.ts'
import { unavailable } from './jetstream-append.ts'
import { streamOf } from './subjects.ts'

const batchMessages = 100
const batchWaitMs = 3000
/** The server forgets a consumer that a crashed reader left behind. */
const forgottenAfterMs = 30_000
/** So many one after the other that deliver nothing. */
const maxIdleConsumers = 5

/** However slowly the events are taken: what was fetched waits here, and the next batch is fetched meanwhile. */
export async function* readFrom(
  manager: JetStreamManager,
  client: JetStreamClient,
  filter: string,
  afterSequence: number,
): AsyncGenerator<StoredEvent> {
  const stream = streamOf(filter)
  let last = afterSequence
  let remaining = 1
  let failure: unknown = null
  for (let idle = 0; remaining > 0; idle += 1) {
    if (idle === maxIdleConsumers) throw unavailable('reading stopped before the end', failure)
    const info = await openConsumer(manager, stream, filter, last)
    remaining = info.num_pending
    if (remaining === 0) {
      manager.consumers.delete(stream, info.name).catch(() => undefined)
      return
    }
    const consumer = client.consumers.getConsumerFromInfo(info)
    let delivered = 0
    const fetchNext = (): Promise<Batch> => fetchBatch(consumer, delivered, Math.min(batchMessages, remaining))
    try {
      let fetching = fetchNext()
      while (remaining > 0) {
        const { messages, error } = await fetching
        if (messages.length > 0) idle = -1
        delivered += messages.length
        remaining -= messages.length
        if (error === null && remaining > 0) fetching = fetchNext()
        for (const { seq, subject, data } of messages) {
          last = seq
          yield { stream, sequence: seq, subject, data }
        }
        failure = error
        if (error !== null) break
      }
    } finally {
      manager.consumers.delete(stream, info.name).catch(() => undefined)
    }
  }
}

type Batch = Readonly<{ messages: readonly JsMsg[]; error: unknown }>

/**
 * Up to `count` messages; fewer, with the reason, where the consumer or some of its messages were lost. Never throws.
 */
async function fetchBatch(consumer: Consumer, delivered: number, count: number): Promise<Batch> {
  const messages: JsMsg[] = []
  try {
    for await (const message of await consumer.fetch({ max_messages: count, expires: batchWaitMs })) {
      // What was under way when the connection broke does not come again.
      if (message.info.deliverySequence !== delivered + messages.length + 1) {
        return { messages, error: new Error('messages were lost on the way') }
      }
      messages.push(message)
    }
    return { messages, error: messages.length === count ? null : new Error('the consumer delivered too few messages') }
  } catch (error) {
    return { messages, error }
  }
}

async function openConsumer(manager: JetStreamManager, stream: StreamName, filter: string, afterSequence: number) {
  try {
    return await manager.consumers.add(stream, {
      // With a name the filter is part of the request's subject, where permissions can see it.
      name: nuid.next(),
      filter_subject: filter,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: afterSequence + 1,
      inactive_threshold: nanos(forgottenAfterMs),
      mem_storage: true,
      num_replicas: 1,
    })
  } catch (error) {
    throw unavailable('reading failed', error)
  }
}

/**
 * The newest event on exactly this subject. With replicas it is the leader who is asked: a direct read may be answered
 * by a replica that is behind.
 */
export async function lastOn(
  manager: JetStreamManager,
  subject: string,
  askLeader: boolean,
): Promise<StoredEvent | null> {
  const stream = streamOf(subject)
  if (!askLeader) return getDirect(manager, stream, { last_by_subj: subject })
  return storedEvent(stream, () => manager.streams.getMessage(stream, { last_by_subj: subject }))
}

/** With replicas the leader is asked where the one that answered first has nothing: it may be behind. */
export async function eventAt(
  manager: JetStreamManager,
  stream: StreamName,
  sequence: number,
  askLeader: boolean,
): Promise<StoredEvent | null> {
  const found = await getDirect(manager, stream, { seq: sequence })
  if (found !== null || !askLeader) return found
  return storedEvent(stream, () => manager.streams.getMessage(stream, { seq: sequence }))
}

function getDirect(
  manager: JetStreamManager,
  stream: StreamName,
  query: { last_by_subj: string } | { seq: number },
): Promise<StoredEvent | null> {
  return storedEvent(stream, () => manager.direct.getMessage(stream, query))
}

async function storedEvent(stream: StreamName, get: () => Promise<StoredMsg | null>): Promise<StoredEvent | null> {
  try {
    const message = await get()
    if (message === null) return null
    return { stream, sequence: message.seq, subject: message.subject, data: message.data }
  } catch (error) {
    throw unavailable('reading failed', error)
  }
}
