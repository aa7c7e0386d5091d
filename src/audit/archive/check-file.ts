/**
 * One file of an archive, checked as an export is, and more: every event in it is proved to be under its checkpoint.
 */
import { checkLog, type LogReport } from '../check-log.ts'
import { verdictOf } from '../check-session.ts'
import { decodeCheckpoint, type Checkpoint } from '../checkpoint-event.ts'
import { createCheckpointWitness } from '../checkpoint-witness.ts'
import { openExport } from '../read-export.ts'
import type { AuditSource, Finding } from '../records.ts'
import { eventsOf } from './open-archive.ts'
import { Positions, type ArchiveFile } from './manifest.ts'

export type CheckedFile = Readonly<{
  report: LogReport
  /** The newest in the file; null: none that fits. */
  checkpoint: Checkpoint | null
  /** The oldest in the file. */
  first: Checkpoint | null
  positions: ArchiveFile['streams']
}>

/** `coordinatorKeys`: none: that of the first checkpoint is trusted. Throws UnreadableExport. */
export async function checkArchiveFile(path: string, coordinatorKeys: readonly Uint8Array[]): Promise<CheckedFile> {
  const source = await openExport(path)
  const witness = await createCheckpointWitness(source, { coordinatorKeys })
  const positions = new Positions()
  const problems: Finding[] = []
  const watched: AuditSource = {
    ...source,
    sessions: async function* () {
      for await (const records of source.sessions()) {
        for (const event of eventsOf(records))
          positions.add(event.stream === 'MESSAGES' ? 'MESSAGES' : 'SESSIONS', event.sequence)
        yield records
      }
    },
    problems: () => [...source.problems(), ...problems],
  }
  const report = await checkLog(watched, {
    witness,
    onSession: ({ sessionId, status }) => {
      if (['completed', 'failed', 'expired'].includes(status)) return
      problems.push({ kind: 'tampered', stream: 'FILE', sequence: null, sessionId, reason: 'the session is not over' })
    },
  })
  const { events, covered } = witness.counts()
  const [oldest] = source.checkpoints
  const found = {
    checkpoint: witness.newest,
    first: witness.newest === null || oldest === undefined ? null : decodeCheckpoint(oldest.data),
    positions: positions.ranges(),
  }
  if (covered === events) return { report, ...found }
  const reason = `${events - covered} of ${events} events are not proved to be under a checkpoint`
  const unproved: Finding = { kind: 'unjudged', stream: 'FILE', sequence: null, sessionId: null, reason }
  const findings = [...report.findings, unproved]
  const { findingCount } = report
  return { report: { ...report, verdict: verdictOf(findings), findings, findingCount: findingCount + 1 }, ...found }
}
