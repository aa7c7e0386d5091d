/**
 * OT extension from 128 base OTs: SoftSpokenOT (ePrint 2022/192) with k = 1, where a base OT is the whole 1-of-2
 * all-but-one PRF, made non-interactive by Fiat–Shamir. "Receiver" and "sender" are the roles in the extended OTs; the
 * base OTs ran the other way round.
 *
 * Used twice over the same base OTs, a session would repeat the pads and reveal choice bits, so `session` must never
 * repeat: it covers the nonces all parties contributed (TOB-BRON-6: column keys come from a hash of seed and session).
 */
import { bitAt, concatBytes } from '../bytes.ts'
import { bytes, type Message } from '../codec.ts'
import type { Engine } from '../engine.ts'
import { hashRows, longHash } from '../hash.ts'
import type { Rng } from '../protocol.ts'
import { tag } from '../tags.ts'
import { bytesToWords, columnCount, rowLength, transpose, word, wordsToBytes } from './bit-matrix.ts'
import { challenges, foldColumn, foldRows } from './consistency.ts'

export const seedLength = 32
export const seedsLength = columnCount * seedLength

/** What the extension's sender keeps from the base OTs: 128 choice bits Δ and the seed each one chose. */
export type OtSenderState = Readonly<{ delta: Uint8Array; seeds: Uint8Array }>
/** What the extension's receiver keeps: both seeds of each base OT. */
export type OtReceiverState = Readonly<{ seeds0: Uint8Array; seeds1: Uint8Array }>

/** The receiver's only message, for a number of transfers that is a multiple of 32. */
export function extensionFields(transfers: number) {
  return [
    bytes('u', columnCount * columnLength(transfers)),
    bytes('xHat', rowLength),
    // The 128 values t̂ᵢ as a bit matrix, transposed: bit i of row b is bit b of t̂ᵢ.
    bytes('tHat', columnCount * rowLength),
  ] as const
}

export type ExtensionMessage = Message<ReturnType<typeof extensionFields>>

/**
 * The receiver's step. `choices` has one bit per transfer. Returns the message and the rows t_j, 16 bytes each.
 */
export function extendAsReceiver(
  engine: Engine,
  state: OtReceiverState,
  session: Uint8Array,
  choices: Uint8Array,
  rng: Rng,
) {
  const transfers = choices.length * 8
  const length = columnLength(transfers)
  // 128 further random choices mask what the consistency check reveals.
  const mask = rng(rowLength)
  const extended = concatBytes(choices, mask)
  mask.fill(0)
  const t = expandColumns(state.seeds0, session, length)
  const u = expandColumns(state.seeds1, session, length)
  for (let column = 0; column < columnCount; column++) {
    const at = column * length
    for (let i = 0; i < length; i++) u[at + i] = u[at + i]! ^ t[at + i]! ^ extended[i]! // all are that long
  }
  const chi = challenges(transfers, longHash(engine, tag.otMatrix, session, u))
  const rows = transpose(t, length)
  const message: ExtensionMessage = {
    u,
    xHat: wordsToBytes(foldColumn(extended, transfers, chi)),
    tHat: wordsToBytes(foldRows(rows, transfers, chi)),
  }
  const kept = wordsToBytes(rows.subarray(0, transfers * 4))
  extended.fill(0)
  t.fill(0)
  rows.fill(0)
  return { message, rows: kept }
}

/**
 * The sender's step. Returns the rows q_j = t_j ⊕ c_j·Δ, 16 bytes each; or undefined when the receiver's consistency
 * check fails, which an honest receiver's cannot: Δ may have leaked a bit, so the base OTs must not be used again.
 */
export function extendAsSender(
  engine: Engine,
  state: OtSenderState,
  session: Uint8Array,
  transfers: number,
  message: ExtensionMessage,
): Uint8Array | undefined {
  const length = columnLength(transfers)
  const q = expandColumns(state.seeds, session, length)
  for (let column = 0; column < columnCount; column++) {
    const mask = -bitAt(state.delta, column)
    for (let i = column * length; i < (column + 1) * length; i++) q[i] = q[i]! ^ (message.u[i]! & mask) // both that long
  }
  const chi = challenges(transfers, longHash(engine, tag.otMatrix, session, message.u))
  const rows = transpose(q, length)
  const qHat = foldRows(rows, transfers, chi)
  const consistent = isConsistent(state.delta, qHat, message)
  const kept = wordsToBytes(rows.subarray(0, transfers * 4))
  q.fill(0)
  rows.fill(0)
  qHat.fill(0) // with t̂ and x̂ it tells Δ
  if (consistent) return kept
  kept.fill(0)
  return undefined
}

/** q̂ᵢ = t̂ᵢ + Δᵢ·x̂ for every column i, compared without an early exit: which one fails depends on Δ. */
function isConsistent(delta: Uint8Array, qHat: Uint32Array, message: ExtensionMessage): boolean {
  const deltaWords = bytesToWords(delta)
  const tHat = bytesToWords(message.tHat)
  let difference = 0
  for (let i = 0; i < qHat.length; i++) {
    const mask = -bitAt(message.xHat, i >>> 2)
    difference |= word(qHat, i) ^ word(tHat, i) ^ (word(deltaWords, i & 3) & mask)
  }
  deltaWords.fill(0)
  return difference === 0
}

function columnLength(transfers: number): number {
  if (transfers % 32 !== 0) throw new RangeError(`${transfers} transfers are not a multiple of 32`)
  return transfers / 8 + rowLength
}

function expandColumns(seeds: Uint8Array, session: Uint8Array, length: number): Uint8Array {
  return hashRows(seeds, seedLength, length, tag.otColumnKey, session)
}
