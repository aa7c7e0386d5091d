/**
 * Sessions as folds of their events: loaded from the log, kept folded in memory, changed only by appending events at
 * the position that was seen. A cached fold is checked against the log before anything is refused or answered from it;
 * before an append the log checks it.
 */
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { AppendConflict, type EventLog, type StoredEvent } from './event-log.ts'
import { conflictRetry, pauseBefore, type RetryPolicy } from './retry-policy.ts'
import { createSerialQueue } from './serial-queue.ts'
import { BrokenChain, decodeNext, emptyChain, encodeEvent } from './session-event.ts'
import type { ChainHead, EventContext, SessionPayload } from './session-event.ts'
import { sessionIdOf, sessionSubject } from './subjects.ts'

export type Fold<State> = Readonly<{ initial: State; evolve: (state: State, payload: SessionPayload) => State }>

export type Loaded<State> = Readonly<{
  state: State
  head: ChainHead
  /** SHA-256 of the stored bytes of every event so far, 32 bytes each. */
  hashes: Uint8Array
  /** Stream position of the session's newest event; 0 when it has none. */
  sequence: number
}>

/** Whether the chain had this head when it had so many events. */
export function hadHead({ hashes }: Pick<Loaded<unknown>, 'hashes'>, { version, hash }: ChainHead): boolean {
  const own = hashes.subarray(hash.length * (version - 1), hash.length * version)
  return hash.length > 0 && bytesToHex(own) === bytesToHex(hash)
}

export type DecidedEvent = Readonly<{ actor: string; payload: SessionPayload }>

/** Events to append and, if the command cannot be carried out, why: the events are appended all the same. */
export type Decision = Readonly<{ events: readonly DecidedEvent[]; refusal: Error | null }>

/** What all events of one command have in common. */
export type Cause = Omit<EventContext, 'actor'>

export type AggregateStore<State> = Readonly<{
  /** The session as it is in the log now; the initial state when it has no events. */
  load(sessionId: string): Promise<Loaded<State>>
  /** The session as last seen by this process, which may be behind the log; null when it has not seen it. */
  known(sessionId: string): Loaded<State> | null
  /**
   * Decides on the present state and appends what was decided, again from the start when somebody else was first.
   * Throws the decision's refusal, LogUnavailable, AppendConflict when every attempt lost, BrokenChain.
   */
  execute(
    sessionId: string,
    decide: (loaded: Loaded<State>) => Decision,
    cause: Cause,
  ): Promise<Loaded<State>>
  /** Takes over an event that a follower has delivered, so that the next command finds it already folded. */
  absorb(event: StoredEvent): void
}>

export type StoreOptions<State> = Readonly<{
  log: EventLog
  fold: Fold<State>
  /** Folded sessions kept in memory. */
  cacheSize?: number
  retry?: RetryPolicy
}>

const defaultCacheSize = 10_000

export function createAggregateStore<State>(options: StoreOptions<State>): AggregateStore<State> {
  const { log, fold, cacheSize = defaultCacheSize, retry = conflictRetry } = options
  const cache = new Map<string, Loaded<State>>()
  const queue = createSerialQueue()
  const nothing: Loaded<State> = { state: fold.initial, head: emptyChain, hashes: emptyChain.hash, sequence: 0 }

  function remember(sessionId: string, loaded: Loaded<State>): Loaded<State> {
    const known = cache.get(sessionId)
    if (known !== undefined && known.sequence > loaded.sequence) return loaded
    cache.delete(sessionId)
    cache.set(sessionId, loaded)
    const oldest = cache.keys().next().value
    if (cache.size > cacheSize && oldest !== undefined) cache.delete(oldest)
    return loaded
  }

  function advance(sessionId: string, loaded: Loaded<State>, event: StoredEvent): Loaded<State> {
    const { event: decoded, next } = decodeNext(sessionId, loaded.head, event.data)
    return moved(loaded, decoded.payload, next, event.sequence)
  }

  function moved(from: Loaded<State>, payload: SessionPayload, head: ChainHead, sequence: number): Loaded<State> {
    return { state: fold.evolve(from.state, payload), head, hashes: concatBytes(from.hashes, head.hash), sequence }
  }

  async function load(sessionId: string): Promise<Loaded<State>> {
    const subject = sessionSubject(sessionId)
    const known = cache.get(sessionId) ?? nothing
    const last = await log.last(subject)
    if ((last?.sequence ?? 0) < known.sequence) {
      throw new BrokenChain(`session ${sessionId} had ${known.head.version} events, of which the log has lost some`)
    }
    if (last === null || last.sequence === known.sequence) return known
    let loaded = known
    for await (const event of log.read(subject, known.sequence)) loaded = advance(sessionId, loaded, event)
    return remember(sessionId, loaded)
  }

  async function append(
    sessionId: string,
    loaded: Loaded<State>,
    events: readonly DecidedEvent[],
    cause: Cause,
  ): Promise<Loaded<State>> {
    let current = loaded
    for (const { actor, payload } of events) {
      const { eventId, bytes, next } = encodeEvent(sessionId, current.head, payload, { ...cause, actor })
      const { sequence } = await log.append(sessionSubject(sessionId), bytes, {
        messageId: eventId,
        expectedLastSequence: current.sequence,
      })
      current = remember(sessionId, moved(current, payload, next, sequence))
    }
    return current
  }

  async function attempt(
    sessionId: string,
    loaded: Loaded<State>,
    decide: (loaded: Loaded<State>) => Decision,
    cause: Cause,
  ): Promise<Readonly<{ loaded: Loaded<State>; decision: Decision }>> {
    const decision = decide(loaded)
    return { loaded: await append(sessionId, loaded, decision.events, cause), decision }
  }

  return {
    load,
    known: (sessionId) => cache.get(sessionId) ?? null,
    execute: (sessionId, decide, cause) =>
      queue.run(sessionId, async () => {
        const cached = cache.get(sessionId)
        if (cached !== undefined) {
          // Only an append shows that the cached state was the present one.
          const first = await attempt(sessionId, cached, decide, cause).catch(ignoreConflict)
          if (first !== null && first.decision.events.length > 0) return answer(first)
        }
        for (let number = 1; ; number += 1) {
          try {
            return answer(await attempt(sessionId, await load(sessionId), decide, cause))
          } catch (error) {
            if (!(error instanceof AppendConflict) || number >= retry.attempts) throw error
            await pauseBefore(retry, number + 1)
          }
        }
      }),
    absorb: (event) => {
      const sessionId = sessionIdOf(event.subject)
      const known = sessionId === null ? undefined : cache.get(sessionId)
      if (sessionId === null || known === undefined || known.sequence >= event.sequence) return
      try {
        remember(sessionId, advance(sessionId, known, event))
      } catch {
        cache.delete(sessionId)
      }
    },
  }
}

function answer<State>(outcome: Readonly<{ loaded: Loaded<State>; decision: Decision }>): Loaded<State> {
  if (outcome.decision.refusal !== null) throw outcome.decision.refusal
  return outcome.loaded
}

function ignoreConflict(error: unknown): null {
  if (error instanceof AppendConflict) return null
  throw error
}
