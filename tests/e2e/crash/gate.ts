/** Counts the steps of a run and, at one of them, kills a service. */
import fc from 'fast-check'
import type { ServiceName } from '../../../src/cli/stack/services.ts'
import type { Hold } from './tapped-relay.ts'

/** Where steps are seen. */
export type Lane =
  | 'coordinator-log'
  | 'router-log'
  | 'coordinator-database'
  | 'party-coordinator'
  | 'party-router'
  | 'account-coordinator'
  | 'party-folder'

export type Victim = ServiceName | 'nats-server'

/** The `occurrence`th time, from 1, that the step is seen on the lane. */
export type Point = Readonly<{
  lane: Lane
  step: string
  occurrence: number
  phase: 'held' | 'passed'
  victim: Victim
}>

export type Gate = Readonly<{
  step: (lane: Lane, step: string) => Hold
  /** Starts to count, from the beginning. With a point, `kill` is called there, once. */
  begin: (point?: Point, kill?: () => void) => void
  /** Ends it. All the steps in order, and whether the point was reached. */
  end: () => Readonly<{ seen: readonly Seen[]; reached: boolean }>
}>

export type Seen = Readonly<{ lane: Lane; step: string; occurrence: number }>

export function createGate(): Gate {
  let seen: Seen[] = []
  let counting = false
  let armed: Readonly<{ point: Point; kill: () => void }> | null = null
  let reached = false
  return {
    begin: (point, kill = () => undefined) => {
      seen = []
      reached = false
      counting = true
      armed = point === undefined ? null : { point, kill }
    },
    end: () => {
      counting = false
      armed = null
      return { seen, reached }
    },
    step: (lane, step) => {
      if (!counting) return null
      const occurrence = 1 + seen.filter((one) => one.lane === lane && one.step === step).length
      seen.push({ lane, step, occurrence })
      const { point, kill } = armed ?? {}
      if (point?.lane !== lane || point.step !== step || point.occurrence !== occurrence) return null
      armed = null
      const act = () => {
        reached = true
        kill?.()
      }
      return { phase: point.phase, act }
    },
  }
}

/** Names a point for people. */
export function describePoint({ lane, step, occurrence, phase, victim }: Point): string {
  return `${victim} killed with ${lane}: ${step} (${occurrence}) ${phase}`
}

/** Every point that the steps of an undisturbed run offer. */
export function pointsOf(seen: readonly Seen[]): readonly Point[] {
  return seen.flatMap((one) => killsAt(one).map((kill) => ({ ...one, ...kill })))
}

function killsAt({ lane, step }: Seen): readonly Pick<Point, 'phase' | 'victim'>[] {
  const coordinator = 'session-coordinator'
  const router = 'message-router'
  const party = 'server-party-1'
  const nats = 'nats-server'
  const held = (...victims: Victim[]) => victims.map((victim) => ({ phase: 'held', victim }) as const)
  switch (lane) {
    // Before the request has left, and when the answer to it is there but not heard: before and after each write.
    case 'coordinator-log':
      return held(coordinator, nats)
    case 'router-log':
      return held(router, nats)
    case 'coordinator-database':
      return held(coordinator)
    case 'party-folder':
      return held(party)
    case 'party-coordinator':
    case 'party-router': {
      if (step === 'call') return held(party)
      const publisher = lane === 'party-router' ? router : coordinator
      return [...held(publisher, party), { phase: 'passed', victim: publisher }]
    }
    case 'account-coordinator':
      return held('account-service')
    default:
      return lane satisfies never
  }
}

/** Reproducible for a seed: of every kind of point some, in turn, until `count` are taken. */
export function samplePoints(points: readonly Point[], count: number, seed: number): readonly Point[] {
  const groups = new Map<string, Point[]>()
  for (const point of shuffled(points, seed)) {
    const kind = `${point.victim} ${point.lane} ${point.phase} ${point.step.split(' ')[0]}`
    groups.set(kind, [...(groups.get(kind) ?? []), point])
  }
  const taken: Point[] = []
  for (let turn = 0; taken.length < Math.min(count, points.length); turn += 1) {
    for (const group of groups.values()) taken.push(...group.slice(turn, turn + 1))
  }
  return taken.slice(0, count)
}

function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  const whole = { minLength: items.length, maxLength: items.length }
  return fc.sample(fc.shuffledSubarray([...items], whole), { seed, numRuns: 1 })[0] ?? []
}
