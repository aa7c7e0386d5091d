/**
 * The three streams with every limit explicit, and their creation. A full stream refuses new events: it never drops old
 * ones. Only options that nats-server 2.9 knows are used.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream'
import { LogUnavailable, type StreamName } from './event-log.ts'
import { allMessages, allSessions } from './subjects.ts'

const nanosPerMs = 1_000_000

/** Largest stored event in bytes: a routed payload of 512 KiB with its envelope; other events are far smaller. */
export const maxEventBytes: Readonly<Record<StreamName, number>> = {
  SESSIONS: 64 * 1024,
  MESSAGES: 640 * 1024,
  CHECKPOINTS: 1024,
}

export const streamNames: readonly StreamName[] = ['SESSIONS', 'MESSAGES', 'CHECKPOINTS']

/**
 * Each with a wildcard, although there is one subject of checkpoints only: JetStream delivers a consumer to whatever
 * subject is subscribed to under exactly its name, a stream's own too, so that who may read could have written there.
 */
const subjects: Readonly<Record<StreamName, string>> = {
  SESSIONS: allSessions,
  MESSAGES: allMessages,
  CHECKPOINTS: 'mpc.*',
}

export type StreamSizes = Readonly<Record<StreamName, number>>

/** Bytes that each stream may take on disk. */
export const defaultStreamSizes: StreamSizes = {
  SESSIONS: 512 * 1024 * 1024,
  MESSAGES: 2 * 1024 * 1024 * 1024,
  CHECKPOINTS: 512 * 1024 * 1024,
}

/** How long the server remembers message ids. Longer than any retry of ours; writers are idempotent by themselves. */
export const dedupeWindowMs = 120_000

/** The default for what is not given. */
export function streamSizes(
  sessionsBytes: number | undefined,
  messagesBytes: number | undefined,
  checkpointsBytes: number | undefined,
): StreamSizes {
  const { SESSIONS, MESSAGES, CHECKPOINTS } = defaultStreamSizes
  return {
    SESSIONS: sessionsBytes ?? SESSIONS,
    MESSAGES: messagesBytes ?? MESSAGES,
    CHECKPOINTS: checkpointsBytes ?? CHECKPOINTS,
  }
}

export function streamConfig(name: StreamName, replicas: number, sizes: StreamSizes = defaultStreamSizes) {
  return {
    name,
    subjects: [subjects[name]],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_consumers: 10_000,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    max_bytes: sizes[name],
    // An auditor may come years later: nothing is dropped by age.
    max_age: 0,
    max_msg_size: maxEventBytes[name],
    duplicate_window: dedupeWindowMs * nanosPerMs,
    num_replicas: replicas,
    deny_delete: true,
    deny_purge: true,
    allow_rollup_hdrs: false,
    allow_direct: true,
  } satisfies Partial<StreamConfig>
}

/** Creates the streams, or brings their limits up to date. Throws LogUnavailable with the server's reason. */
export async function ensureStreams(
  manager: JetStreamManager,
  replicas: number,
  sizes: StreamSizes,
  names: readonly StreamName[] = streamNames,
): Promise<void> {
  for (const name of names) {
    const config = streamConfig(name, replicas, sizes)
    for (let attempt = 1; ; attempt += 1) {
      try {
        await createOrUpdate(manager, config)
        break
      } catch (cause) {
        if (isShortOfStorage(cause) && attempt < creationAttempts) {
          await delay(creationPauseMs)
          continue
        }
        const reason = cause instanceof Error ? cause.message : 'unknown reason'
        throw new LogUnavailable(`cannot create or update the stream ${name}: ${reason} (${hint})`, { cause })
      }
    }
  }
}

const hint = "where services may not, NATS' operator does: mpc nats streams"

/**
 * Services that start together on an empty server all try to create the streams, and each attempt reserves its bytes
 * for a moment, until the server has seen that it is the same stream: so what is short may be there a moment later.
 */
const creationAttempts = 20
const creationPauseMs = 100

/** JSStorageResourcesExceededErr and JSInsufficientResourcesErr. */
function isShortOfStorage(error: unknown): boolean {
  return error instanceof JetStreamApiError && (error.code === 10047 || error.code === 10023)
}

async function createOrUpdate(manager: JetStreamManager, config: ReturnType<typeof streamConfig>): Promise<void> {
  const present = await manager.streams.info(config.name).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return null
    throw error
  })
  if (present === null) {
    try {
      await manager.streams.add(config)
      return
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== streamNameInUse) throw error
    }
  } else if (isUpToDate(present.config, config)) {
    return
  } else if (isParked(present.config)) {
    // With its subjects it would get events that the trim has not counted.
    throw new Error('it is being trimmed; where that was killed, run mpc audit trim again')
  }
  await manager.streams.update(config.name, config)
}

/** Subjects that MESSAGES takes its events under while it is trimmed (trim-messages.ts). Nobody writes there. */
const parkedSubjects = 'mpc.trimming.'

export function parkingSubject(): string {
  return parkedSubjects + randomBytes(8).toString('hex')
}

/** Whether a trim is under way, or was killed. */
export function isParked({ subjects = [] }: Pick<StreamConfig, 'subjects'>): boolean {
  return subjects.some((subject) => subject.startsWith(parkedSubjects))
}

/** JSStreamNameExistErr: another service created the stream, with other limits, between our look and our creation. */
const streamNameInUse = 10058

function isUpToDate(present: StreamConfig, wanted: ReturnType<typeof streamConfig>): boolean {
  return Object.entries(wanted).every(([key, value]) => {
    const current = present[key as keyof StreamConfig] // every key of `wanted` is one of StreamConfig
    return JSON.stringify(current ?? false) === JSON.stringify(value ?? false)
  })
}
