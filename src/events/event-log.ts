/**
 * The event log as the services see it: append with an expected position, read back, follow. The implementation on NATS
 * JetStream is in jetstream-log.ts; nothing outside this folder knows NATS.
 */

import type { Trimmed } from './trimmed.ts'

/** One stored message. `sequence` is its position in the stream, from 1; `data` are the exact stored bytes. */
export type StoredEvent = Readonly<{
  stream: StreamName
  sequence: number
  subject: string
  data: Uint8Array
}>

export type StreamName = 'SESSIONS' | 'MESSAGES' | 'CHECKPOINTS'

export type AppendOptions = Readonly<{
  /** Appending the same id again within the dedupe window stores nothing and answers with the first position. */
  messageId: string
  /** Position of the newest event on this subject that the writer has seen; 0 for none. Absent: no check. */
  expectedLastSequence?: number
}>

export type Appended = Readonly<{ sequence: number; duplicate: boolean }>

/** Somebody else appended to the subject first: read again and decide again. */
export class AppendConflict extends Error {
  override readonly name = 'AppendConflict'
}

/** The log cannot be reached, is full, or did not acknowledge in time. The append may or may not have happened. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable'
}

export type Follower = Readonly<{ close(): Promise<void> }>

export interface EventLog extends LogReader {
  /** Throws AppendConflict or LogUnavailable. Resolves once the log has acknowledged. */
  append(subject: string, data: Uint8Array, options: AppendOptions): Promise<Appended>
}

export interface LogReader {
  /** Every event that matches the filter (one subject, may end in `>`), oldest first, up to the present end. */
  read(filter: string, afterSequence?: number): AsyncIterable<StoredEvent>
  /** The newest event on exactly this subject. */
  last(subject: string): Promise<StoredEvent | null>
  /** The event at a stream position, or null. */
  at(stream: StreamName, sequence: number): Promise<StoredEvent | null>
  /** Position of the newest event of the stream; 0 when it is empty, or not there. */
  lastSequence(stream: StreamName): Promise<number>
  /** Up to where MESSAGES was moved to an archive; null where it begins with its first event. */
  trimmed(): Promise<Trimmed | null>
  /**
   * Delivers every matching event after `afterSequence`, in order, without gap or repeat, across reconnects and server
   * restarts. The handler is awaited: the next event comes when it resolves.
   */
  follow(filter: string, afterSequence: number, handle: (event: StoredEvent) => Promise<void> | void): Promise<Follower>
  /** True while the server answers. */
  healthy(): Promise<boolean>
  close(): Promise<void>
}
