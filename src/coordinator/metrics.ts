/** What the coordinator counts, in Prometheus' terms. No label holds an id, so the number of series is bounded. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { SessionEvent } from '../gen/mpc/events/v1/session_events_pb.ts'
import type { CheckpointStatus } from './checkpoints/checkpointer.ts'

/** Positions in the log, who follows it here, and how far it is checkpointed. */
export type Progress = Readonly<{ applied: number; followers: number; checkpoints: CheckpointStatus; nowMs: number }>

export type CoordinatorMetrics = Readonly<{
  /** Counts an event of the log, by whichever coordinator it was appended. */
  seen: (event: SessionEvent, sequence: number) => void
  /** Puts all of them, and what `progress` tells, into a service's metrics. */
  register: (registry: Registry, progress: () => Progress) => void
}>

const prefix = 'mpc_coordinator_'

export function createCoordinatorMetrics(): CoordinatorMetrics {
  const events = new Counter({
    name: `${prefix}events_total`,
    help: 'Session events in the log since this process began to follow it, by kind; of all coordinators.',
    labelNames: ['kind'],
    registers: [],
  })
  const position = gauge('log_position', 'Position in the log of the newest session event that was followed.')
  return {
    seen: ({ payload }, sequence) => {
      events.inc({ kind: payload.case ?? 'unknown' })
      position.set(sequence)
    },
    register: (registry, progress) => {
      const applied = gauge('applied_position', 'Position in the log that the read model is built up to.', () =>
        progress().applied,
      )
      const followers = gauge('followers', 'Streams that follow sessions or invitations.', () => progress().followers)
      registry.registerMetric(events)
      const gauges = [position, applied, followers, ...checkpointGauges(progress)]
      for (const metric of gauges) registry.registerMetric(metric)
    },
  }
}

function checkpointGauges(progress: () => Progress): readonly Gauge[] {
  const read = (tell: (status: CheckpointStatus, nowMs: number) => number) => () => {
    const { checkpoints, nowMs } = progress()
    return tell(checkpoints, nowMs)
  }
  const age = ({ timeMs }: CheckpointStatus, nowMs: number) => (timeMs === 0 ? 0 : Math.max(nowMs - timeMs, 0) / 1000)
  return [
    gauge('checkpoint_sequence', 'Number of the newest checkpoint.', read(({ sequence }) => sequence)),
    gauge('checkpoint_age_seconds', 'Age of the newest checkpoint; 0 before the first.', read(age)),
    gauge('checkpoint_events', 'Events that checkpoints cover.', read(({ covered }) => covered)),
    gauge('checkpoint_waiting_events', 'Events that wait for a checkpoint.', read(({ waiting }) => waiting)),
    gauge('log_intact', '0 once the log is not what checkpoints say it was.', read(({ intact }) => Number(intact))),
  ]
}

function gauge(name: string, help: string, read?: () => number): Gauge {
  return new Gauge({
    name: prefix + name,
    help,
    registers: [],
    collect() {
      if (read !== undefined) this.set(read())
    },
  })
}
