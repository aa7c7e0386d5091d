/**
 * Reading the log back, up to the end it has when the reading begins: through an ephemeral pull consumer with one
 * filter subject, which exists on every nats-server from 2.9 on. A consumer lost to a server restart is replaced at
 * the next position.
 */
import {
  AckPolicy,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type StoredMsg,
} from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import type { StoredEvent, StreamName } from './event-log.ts'
import { unavailable } from './jetstream-append.ts'
import { streamOf } from './subjects.ts'

const batchMessages = 100
const batchWaitMs = 3000
/** The server forgets a consumer that a crashed reader left behind. */
const forgottenAfterMs = 30_000
const maxConsumers = 5

export async function* readFrom(
  manager: JetStreamManager,
  client: JetStreamClient,
  filter: string,
  afterSequence: number,
): AsyncGenerator<StoredEvent> {
  const stream = streamOf(filter)
  let last = afterSequence
  let remaining = 1
  for (let attempt = 1; remaining > 0; attempt += 1) {
    if (attempt > maxConsumers) throw unavailable('reading stopped before the end', null)
    const info = await openConsumer(manager, stream, filter, last)
    remaining = info.num_pending
    try {
      const consumer = client.consumers.getConsumerFromInfo(info)
      while (remaining > 0) {
        const before = remaining
        const batch = await consumer.fetch({ max_messages: Math.min(batchMessages, remaining), expires: batchWaitMs })
        for await (const message of batch) {
          remaining -= 1
          last = message.seq
          yield { stream, sequence: message.seq, subject: message.subject, data: message.data }
        }
        if (remaining === before) break
      }
    } finally {
      manager.consumers.delete(stream, info.name).catch(() => undefined)
    }
  }
}

async function openConsumer(manager: JetStreamManager, stream: StreamName, filter: string, afterSequence: number) {
  try {
    return await manager.consumers.add(stream, {
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

export async function eventAt(
  manager: JetStreamManager,
  stream: StreamName,
  sequence: number,
): Promise<StoredEvent | null> {
  return getDirect(manager, stream, { seq: sequence })
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
