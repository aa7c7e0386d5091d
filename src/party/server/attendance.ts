/**
 * Which invitations a server party follows, and how many at once. The coordinator lists open invitations again after
 * each reconnection, and it is not trusted: repeats are ignored, running sessions and those that wait are bounded.
 */
import type { OpenInvitation } from './invitations.ts'

export type AttendanceLimits = Readonly<{
  /** Sessions at once. */
  running: number
  /** Invitations that wait for a place; further ones are dropped. */
  waiting: number
  /** Sessions whose repeated invitations are recognised. */
  remembered: number
}>

export const defaultAttendanceLimits: AttendanceLimits = { running: 64, waiting: 1_024, remembered: 100_000 }

export class Attendance {
  readonly #limits: AttendanceLimits
  readonly #attend: (invitation: OpenInvitation) => Promise<void>
  readonly #waiting: OpenInvitation[] = []
  readonly #running = new Set<Promise<void>>()
  /** In the order in which they were first seen. */
  readonly #seen = new Set<string>()
  #closed = false

  /** `attend` handles its own errors. */
  constructor(
    attend: (invitation: OpenInvitation) => Promise<void>,
    limits: AttendanceLimits = defaultAttendanceLimits,
  ) {
    this.#attend = attend
    this.#limits = limits
  }

  get running(): number {
    return this.#running.size
  }

  /** `dropped` may be invited again and be accepted then. */
  invite(invitation: OpenInvitation): 'accepted' | 'repeated' | 'dropped' {
    if (this.#seen.has(invitation.sessionId)) return 'repeated'
    if (this.#closed || this.#waiting.length >= this.#limits.waiting) return 'dropped'
    this.#remember(invitation.sessionId)
    this.#waiting.push(invitation)
    this.#fill()
    return 'accepted'
  }

  /** Invitations to this session are not followed: an earlier process of this party was in it. */
  exclude(sessionId: string): void {
    this.#remember(sessionId)
  }

  /** Takes no more invitations; resolves when the running sessions have ended. */
  async close(): Promise<void> {
    this.#closed = true
    this.#waiting.length = 0
    await Promise.all(this.#running)
  }

  #remember(sessionId: string): void {
    this.#seen.add(sessionId)
    const [oldest] = this.#seen
    if (this.#seen.size > this.#limits.remembered && oldest !== undefined) this.#seen.delete(oldest)
  }

  #fill(): void {
    while (this.#running.size < this.#limits.running) {
      const invitation = this.#waiting.shift()
      if (invitation === undefined) return
      const run = this.#attend(invitation).finally(() => {
        this.#running.delete(run)
        this.#fill()
      })
      this.#running.add(run)
    }
  }
}
