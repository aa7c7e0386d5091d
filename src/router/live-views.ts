/**
 * Views of single sessions over one stream: each is built from the log when it is first wanted and then fed by the one
 * follower that all views share. A view sees every event of its session once and in order, however reading and
 * following overlap. Views that nobody holds are dropped, the least recently used first.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { LogUnavailable, type EventLog, type Follower, type StoredEvent, type StreamName } from '../events/event-log.ts'
import { sessionIdOf } from '../events/subjects.ts'
import { FollowPosition } from './follow-position.ts'

export type ViewKind<View> = Readonly<{
  stream: StreamName
  /** Filter of the follower. */
  all: string
  /** Filter of one session. */
  one: (sessionId: string) => string
  create: (sessionId: string) => View
  /** Must not throw. */
  apply: (view: View, event: StoredEvent) => void
  /** How much of `maxWeight` a view takes; at least 1. */
  weigh: (view: View) => number
  drop: (view: View) => void
  /** Whether the event at this position may have gone from the stream. Absent: none goes. */
  isMoved?: (sequence: number) => Promise<boolean>
}>

export type ViewLimits = Readonly<{
  maxWeight: number
  /** A view that nobody has held for so long is dropped. */
  idleMs: number
  /** Longest wait for the follower to reach a position. */
  catchUpMs: number
}>

/** A held view stays in memory and current until it is released. */
export type Lease<View> = Readonly<{
  view: View
  /** Calls back after each event; returns the way to stop. */
  onChange(listener: () => void): () => void
  /** Reads what the follower may not have delivered yet. */
  refresh(): Promise<void>
  release(): void
}>

type Holder<View> = {
  readonly sessionId: string
  readonly view: View
  readonly listeners: Set<() => void>
  lastSequence: number
  leases: number
  weight: number
  idleSinceMs: number
  /** Events that the follower delivered while the log was being read; null once the view is complete. */
  early: StoredEvent[] | null
  loading: Promise<void>
  /** The newest refresh, begun or not; `queued`: the one that has not begun, which others may join. */
  refreshing: Promise<void>
  queued: Promise<void> | null
}

/** Reads of one view; between them a replica of the stream that lags catches up. */
const maxReads = 20
const pauseBetweenReadsMs = 50

export class LiveViews<View> {
  readonly #log: EventLog
  readonly #kind: ViewKind<View>
  readonly #limits: ViewLimits
  readonly #position: FollowPosition
  /** Least recently used first. */
  readonly #holders = new Map<string, Holder<View>>()
  #weight = 0
  #follower: Follower | null = null
  #sweeper: NodeJS.Timeout | null = null

  constructor(log: EventLog, kind: ViewKind<View>, limits: ViewLimits) {
    this.#log = log
    this.#kind = kind
    this.#limits = limits
    this.#position = new FollowPosition(limits.catchUpMs)
  }

  /** Begins to follow at the present end of the stream. Must have resolved before the first lease. */
  async start(): Promise<void> {
    const end = await this.#log.lastSequence(this.#kind.stream)
    this.#position.advance(end, null)
    this.#follower = await this.#log.follow(this.#kind.all, end, (event) => this.#feed(event))
    this.#sweeper = setInterval(() => this.#dropIdle(), this.#limits.idleMs / 2).unref()
  }

  get views(): number {
    return this.#holders.size
  }

  get weight(): number {
    return this.#weight
  }

  /** Throws LogUnavailable when the log cannot be read, or when there is no room and every view is in use. */
  async lease(sessionId: string): Promise<Lease<View>> {
    const holder = this.#holders.get(sessionId) ?? this.#add(sessionId)
    this.#holders.delete(sessionId)
    this.#holders.set(sessionId, holder)
    holder.leases += 1
    let released = false
    const release = (): void => {
      if (released) return
      released = true
      this.#release(holder)
    }
    await holder.loading.catch((error: unknown) => {
      release()
      throw error
    })
    return {
      view: holder.view,
      onChange: (listener) => {
        holder.listeners.add(listener)
        return () => holder.listeners.delete(listener)
      },
      refresh: () => this.#refresh(holder),
      release,
    }
  }

  /** Resolves when every held view is current up to `sequence`. Throws LogUnavailable when that takes too long. */
  reaches(sequence: number): Promise<void> {
    return this.#position.reaches(sequence)
  }

  /** True when something new fits, after dropping what is not in use. */
  hasRoom(): boolean {
    for (const holder of this.#holders.values()) {
      if (this.#weight < this.#limits.maxWeight) return true
      if (holder.leases === 0) this.#drop(holder)
    }
    return this.#weight < this.#limits.maxWeight
  }

  async close(): Promise<void> {
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    await this.#follower?.close()
    this.#position.close()
    for (const holder of [...this.#holders.values()]) this.#drop(holder)
  }

  #add(sessionId: string): Holder<View> {
    if (!this.hasRoom()) throw new LogUnavailable('too many sessions are in use at once')
    const holder: Holder<View> = {
      sessionId,
      view: this.#kind.create(sessionId),
      listeners: new Set(),
      lastSequence: 0,
      leases: 0,
      weight: 0,
      idleSinceMs: 0,
      early: [],
      loading: Promise.resolve(),
      refreshing: Promise.resolve(),
      queued: null,
    }
    this.#holders.set(sessionId, holder)
    this.#reweigh(holder)
    holder.loading = this.#load(holder)
    return holder
  }

  /**
   * Whatever the follower delivers from now on is in `early`; what it delivered before must be in what is read, which
   * is not certain of a single reading where the stream has several replicas, or have been moved to an archive.
   */
  async #load(holder: Holder<View>): Promise<void> {
    const atLeast = this.#position.ofSession(holder.sessionId)
    try {
      for (let reads = 1; ; reads += 1) {
        await this.#read(holder)
        if (holder.lastSequence >= atLeast || (await this.#kind.isMoved?.(atLeast)) === true) break
        if (reads === maxReads) throw new LogUnavailable('event log: a replica lags behind')
        await delay(pauseBetweenReadsMs)
      }
    } catch (error) {
      this.#drop(holder)
      throw error
    }
    const early = holder.early ?? []
    holder.early = null
    for (const event of early) this.#apply(holder, event)
  }

  /** A reading that has begun may have missed what its caller knows of: only the one that comes next is shared. */
  #refresh(holder: Holder<View>): Promise<void> {
    if (holder.queued !== null) return holder.queued
    const begin = (): Promise<void> => {
      holder.queued = null
      return this.#read(holder)
    }
    holder.refreshing = holder.queued = holder.refreshing.then(begin, begin)
    return holder.refreshing
  }

  async #read(holder: Holder<View>): Promise<void> {
    const filter = this.#kind.one(holder.sessionId)
    for await (const event of this.#log.read(filter, holder.lastSequence)) this.#apply(holder, event)
  }

  #feed(event: StoredEvent): void {
    const sessionId = sessionIdOf(event.subject)
    const holder = sessionId === null ? undefined : this.#holders.get(sessionId)
    if (holder?.early != null) holder.early.push(event)
    else if (holder !== undefined) this.#apply(holder, event)
    this.#position.advance(event.sequence, sessionId)
  }

  /** Both sources are in order and complete from `lastSequence` on, so a position that is not new is a repeat. */
  #apply(holder: Holder<View>, event: StoredEvent): void {
    if (event.sequence <= holder.lastSequence) return
    holder.lastSequence = event.sequence
    this.#kind.apply(holder.view, event)
    this.#reweigh(holder)
    for (const listener of [...holder.listeners]) listener()
  }

  #reweigh(holder: Holder<View>): void {
    if (this.#holders.get(holder.sessionId) !== holder) return
    const weight = this.#kind.weigh(holder.view)
    this.#weight += weight - holder.weight
    holder.weight = weight
  }

  /** A view without events is not worth keeping: its session may not exist at all. */
  #release(holder: Holder<View>): void {
    holder.leases -= 1
    holder.idleSinceMs = Date.now()
    if (holder.leases === 0 && holder.lastSequence === 0) this.#drop(holder)
  }

  #dropIdle(): void {
    const before = Date.now() - this.#limits.idleMs
    for (const holder of [...this.#holders.values()]) {
      if (holder.leases === 0 && holder.idleSinceMs < before) this.#drop(holder)
    }
  }

  #drop(holder: Holder<View>): void {
    if (this.#holders.get(holder.sessionId) !== holder) return
    this.#holders.delete(holder.sessionId)
    this.#weight -= holder.weight
    this.#kind.drop(holder.view)
  }
}
