/** An archive by itself, without the log that it was taken from. */
import { join } from 'node:path'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { LogReport } from '../check-log.ts'
import type { Verdict } from '../check-session.ts'
import type { Checkpoint } from '../checkpoint-event.ts'
import { auditedStreams, type Finding } from '../records.ts'
import { checkArchiveFile, type CheckedFile } from './check-file.ts'
import { hashFile } from './durable-files.ts'
import type { ArchiveFile } from './manifest.ts'
import type { Archive } from './open-archive.ts'

export type CheckedArchive = Readonly<{
  /** Sessions and events as often as they are there: the session of a key is in each file with signatures by it. */
  report: LogReport
  /** The one of the newest file. */
  checkpoint: Checkpoint | null
}>

/** `coordinatorKeys`: none: that of the first file's first checkpoint is trusted. Throws UnreadableExport. */
export async function checkArchive(
  { folder, files }: Archive,
  coordinatorKeys: readonly Uint8Array[],
): Promise<CheckedArchive> {
  let sum: LogReport = { ...nothing }
  let checkpoint: Checkpoint | null = null
  let keys = coordinatorKeys
  for (const file of files) {
    const path = join(folder, file.name)
    const checked = await checkArchiveFile(path, keys)
    const problems = [...checkFile(file, checked, await hashFile(path)), ...checkJoint(checkpoint, checked)]
    checkpoint = checked.checkpoint
    if (keys.length === 0 && checkpoint !== null) keys = [checkpoint.coordinatorKey]
    const { report } = checked
    const findings = [...problems, ...report.findings].map((finding) => ({
      ...finding,
      reason: `${finding.reason} (${file.name})`,
    }))
    sum = {
      ...sum,
      sessions: sum.sessions + report.sessions,
      events: sum.events + report.events,
      opaqueSessions: sum.opaqueSessions + report.opaqueSessions,
      withoutKeySession: sum.withoutKeySession + report.withoutKeySession,
      findings: [...sum.findings, ...findings],
      findingCount: sum.findingCount + problems.length + report.findingCount,
      verdict: worseOf(sum.verdict, problems.length > 0 ? 'tampered' : report.verdict),
    }
  }
  return { report: sum, checkpoint }
}

const nothing: LogReport = {
  verdict: 'intact',
  sessions: 0,
  events: 0,
  opaqueSessions: 0,
  withoutKeySession: 0,
  findings: [],
  findingCount: 0,
}

function worseOf(a: Verdict, b: Verdict): Verdict {
  return (['tampered', 'unjudged'] as const).find((verdict) => a === verdict || b === verdict) ?? 'intact'
}

function checkFile(
  file: ArchiveFile,
  { checkpoint, positions }: CheckedFile,
  { sha256, bytes }: Awaited<ReturnType<typeof hashFile>>,
): readonly Finding[] {
  const problems: string[] = []
  if (sha256 !== file.sha256 || bytes !== file.bytes) problems.push('it is not the file that the manifest names')
  const isSame = auditedStreams.every(
    (stream) => JSON.stringify(positions[stream]) === JSON.stringify(file.streams[stream]),
  )
  if (!isSame) problems.push('it holds other events than the manifest says')
  const isAnchored =
    checkpoint !== null &&
    checkpoint.sequence === file.checkpoint.sequence &&
    bytesToHex(checkpoint.hash) === file.checkpoint.sha256
  if (!isAnchored) problems.push('it is under another checkpoint than the manifest says')
  return problems.map(inFile)
}

/** Its checkpoints begin with the one that the file before ended with. */
function checkJoint(before: Checkpoint | null, { first }: CheckedFile): readonly Finding[] {
  const expected = before === null ? null : bytesToHex(before.hash)
  const isJoined = expected === null ? first?.sequence === 1 : first !== null && bytesToHex(first.hash) === expected
  return isJoined ? [] : [inFile('its checkpoints do not go on from those of the file before it')]
}

function inFile(reason: string): Finding {
  return { kind: 'tampered', stream: 'FILE', sequence: null, sessionId: null, reason }
}
