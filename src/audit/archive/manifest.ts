/**
 * The manifest of an archive (docs/audit.md): which files there are, and what was found in each when it had been
 * written and read back. It is replaced as a whole, and names a file only when that is complete.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { isToken } from '../../events/subjects.ts'
import type { AuditedStream } from '../records.ts'
import { replaceFile } from './durable-files.ts'

const manifestVersion = 1
export const manifestName = 'manifest.json'

const position = z.int().min(1).max(2 ** 40)
/** First and last sequence of each run of sequences, in order. */
const ranges = z.array(z.tuple([position, position]))
export type Ranges = z.infer<typeof ranges>

const archiveFile = z.strictObject({
  name: z.string().regex(/^mpc-audit-\d{6}\.jsonl$/),
  bytes: z.int().min(1),
  sha256: z.hex().length(64),
  sessions: z.int().min(1),
  events: z.int().min(1),
  streams: z.strictObject({ SESSIONS: ranges, MESSAGES: ranges }),
  /** Every event of the file has a proof that this checkpoint was made of it. */
  checkpoint: z.strictObject({ sequence: position, sha256: z.hex().length(64) }),
  /** Sessions of earlier files to which events were added since: here they are whole. */
  again: z.array(z.string().refine(isToken)),
  archived_at: z.iso.datetime(),
})
export type ArchiveFile = z.infer<typeof archiveFile>

const manifest = z.object({
  format: z.literal('mpc-audit-archive'),
  version: z.int(),
  files: z.array(archiveFile),
})

/** There is no archive, or none that this release can read. */
export class UnreadableArchive extends Error {
  override readonly name = 'UnreadableArchive'
}

/** Null where the folder has none. Throws UnreadableArchive. */
export async function readManifest(folder: string): Promise<readonly ArchiveFile[] | null> {
  const path = join(folder, manifestName)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw new UnreadableArchive(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  const parsed = manifest.safeParse(parseJson(text))
  if (!parsed.success) throw new UnreadableArchive(`${path} is no manifest of an archive`)
  const { version, files } = parsed.data
  if (version !== manifestVersion)
    throw new UnreadableArchive(`${path} has version ${version}: a later mpc can read it`)
  return files
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

export async function writeManifest(folder: string, files: readonly ArchiveFile[]): Promise<void> {
  const value = { format: 'mpc-audit-archive', version: manifestVersion, files }
  await replaceFile(join(folder, manifestName), `${JSON.stringify(value, null, 1)}\n`)
}

/** The positions of events, as ranges. */
export class Positions {
  readonly #sequences: Readonly<Record<AuditedStream, number[]>> = { SESSIONS: [], MESSAGES: [] }

  add(stream: AuditedStream, sequence: number): void {
    this.#sequences[stream].push(sequence)
  }

  ranges(): Readonly<Record<AuditedStream, Ranges>> {
    const { SESSIONS, MESSAGES } = this.#sequences
    return { SESSIONS: rangesOf(SESSIONS), MESSAGES: rangesOf(MESSAGES) }
  }
}

function rangesOf(sequences: readonly number[]): Ranges {
  const found: Ranges = []
  for (const sequence of [...sequences].sort((a, b) => a - b)) {
    const last = found.at(-1)
    if (last !== undefined && sequence <= last[1] + 1) last[1] = sequence
    else found.push([sequence, sequence])
  }
  return found
}

/** Tells of an event whether it is in one of the files, as the manifest says. */
export function archivedIn(files: readonly ArchiveFile[], stream: AuditedStream): (sequence: number) => boolean {
  const merged: Ranges = []
  for (const [first, last] of files.flatMap(({ streams }) => streams[stream]).sort((a, b) => a[0] - b[0])) {
    const before = merged.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else merged.push([first, last])
  }
  return (sequence) => {
    let [low, high] = [0, merged.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((merged[middle]?.[1] ?? 0) < sequence) low = middle + 1
      else high = middle
    }
    return (merged[low]?.[0] ?? Infinity) <= sequence
  }
}
