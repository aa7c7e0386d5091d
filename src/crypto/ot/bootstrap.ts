/**
 * The base OTs of the reverse direction, without a second base OT: one OT extension of 128 random OTs, whose choice
 * bits are the future sender's Δ. Its consistency check is included: a failure makes the whole key generation void.
 */
import type { Engine } from '../engine.ts'
import { hashRows } from '../hash.ts'
import type { Rng } from '../protocol.ts'
import { tag } from '../tags.ts'
import { columnCount, rowLength, xorRows } from './bit-matrix.ts'
import {
  extendAsReceiver,
  extendAsSender,
  extensionFields,
  seedLength,
  type ExtensionMessage,
  type OtReceiverState,
  type OtSenderState,
} from './extension.ts'

export const bootstrapFields = extensionFields(columnCount)

/** Run by the base OTs' sender, who becomes extension sender towards the peer with a fresh Δ. */
export function reverseToSender(engine: Engine, state: OtReceiverState, session: Uint8Array, rng: Rng) {
  const delta = rng(rowLength)
  const { message, rows } = extendAsReceiver(engine, state, session, delta, rng)
  const seeds = rowSeeds(session, rows)
  rows.fill(0)
  const reversed: OtSenderState = { delta, seeds }
  return { message, state: reversed }
}

/** Run by the base OTs' receiver. Undefined when the consistency check fails. */
export function reverseToReceiver(
  engine: Engine,
  state: OtSenderState,
  session: Uint8Array,
  message: ExtensionMessage,
): OtReceiverState | undefined {
  const rows = extendAsSender(engine, state, session, columnCount, message)
  if (rows === undefined) return undefined
  const seeds0 = rowSeeds(session, rows)
  xorRows(rows, state.delta)
  const seeds1 = rowSeeds(session, rows)
  rows.fill(0)
  return { seeds0, seeds1 }
}

function rowSeeds(session: Uint8Array, rows: Uint8Array): Uint8Array {
  return hashRows(rows, rowLength, seedLength, tag.otRow, session)
}
