/**
 * What the stream MESSAGES says of its beginning, once that was moved to an archive and dropped. It stands in the
 * stream's description: the server changes it together with what it drops, and whoever may read the stream sees it.
 * Nobody has to believe it: a wrong claim makes the root of no signed checkpoint, and an audit asks for the archive.
 */
import type { StreamInfo } from '@nats-io/jetstream'

export type Trimmed = Readonly<{
  /** Events of MESSAGES up to this sequence are in the archive, and may be gone from the stream. */
  upTo: number
  /** Only sessions created at this sequence of SESSIONS, or before it, have events among them. */
  sessionsUpTo: number
  /**
   * The Merkle tree over them: roots of its complete subtrees, 32 bytes each, largest first (RFC 9162, section 2.1).
   */
  subtrees: readonly Uint8Array[]
}>

const prefix = 'Up to here moved to an archive by mpc audit trim: '
const hashBytes = 32

export function describeTrimmed({ upTo, sessionsUpTo, subtrees }: Trimmed): string {
  const tree = Buffer.concat(subtrees).toString('base64')
  return prefix + JSON.stringify({ up_to: upTo, sessions_up_to: sessionsUpTo, tree })
}

/** Null where the stream says nothing of the kind, or still begins with its first event. */
export function trimmedOf({ config, state }: Pick<StreamInfo, 'config' | 'state'>): Trimmed | null {
  const { description = '' } = config
  if (!description.startsWith(prefix) || state.first_seq <= 1) return null
  try {
    return parse(JSON.parse(description.slice(prefix.length)))
  } catch {
    return null
  }
}

function parse(value: unknown): Trimmed | null {
  if (typeof value !== 'object' || value === null) return null
  const { up_to: upTo, sessions_up_to: sessionsUpTo, tree } = value as Readonly<Record<string, unknown>> // any JSON
  if (!isPosition(upTo) || !isPosition(sessionsUpTo) || typeof tree !== 'string') return null
  const bytes = Uint8Array.from(Buffer.from(tree, 'base64'))
  const count = bitsSet(upTo)
  if (bytes.length !== count * hashBytes) return null
  const subtrees = Array.from({ length: count }, (_, i) => bytes.slice(i * hashBytes, (i + 1) * hashBytes))
  return { upTo, sessionsUpTo, subtrees }
}

function isPosition(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

/** A tree has one complete subtree for each bit of its size. */
function bitsSet(value: number): number {
  return value.toString(2).replaceAll('0', '').length
}
