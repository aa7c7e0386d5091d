/**
 * 128 endemic OTs on ristretto255 (Masny and Rindal, ePrint 2019/706, figure 8), all under one key of the sender.
 * Session, pair, instance and branch enter every hash: with one sender key per batch, an instance left out of a hash
 * would let one instance's answer serve for another.
 *
 * Names follow the base OT: the sender ends with two keys per instance, the receiver with the one it chose. For the OT
 * extension on top, the base-OT sender is the receiver and the other way round.
 */
import { bitAt, xorBytes } from '../bytes.ts'
import {
  element,
  randomElementScalar,
  uniformLength,
  wipeElement,
  wipeElementPoint,
  type Element,
  type ElementPoint,
  type ElementScalar,
} from '../curve/ristretto255.ts'
import type { Engine } from '../engine.ts'
import { H, xof } from '../hash.ts'
import type { Rng } from '../protocol.ts'
import { tag } from '../tags.ts'
import { columnCount, rowLength } from './bit-matrix.ts'
import { seedLength, seedsLength, type OtReceiverState, type OtSenderState } from './extension.ts'

export const instances = columnCount
export const receiverElements = 2 * instances

export type BaseOtSender = Readonly<{ a: ElementScalar; A: Element }>
export type BaseOtReceiver = Readonly<{
  /** The secret choice bits Δ, 16 bytes. */
  choices: Uint8Array
  t: readonly ElementScalar[]
  /** R_{i,0}, R_{i,1} for every instance i. */
  message: readonly Pick<Element, 'bytes'>[]
}>

/** The sender's key for the batch: A goes to the receiver. */
export function startSender({ elements }: Engine, rng: Rng): BaseOtSender {
  const a = randomElementScalar(elements, rng)
  return { a, A: element(elements.multiplyBase(a)) }
}

/**
 * The receiver's message. For choice b: R_{1-b} is random, R_b = t·G − Hg(b, R_{1-b}). Both are uniform, and both are
 * encoded by the same code from the canonical form, so the sender cannot tell which is which.
 */
export function startReceiver(engine: Engine, session: Uint8Array, rng: Rng): BaseOtReceiver {
  const { elements } = engine
  const choices = rng(rowLength)
  const message: Pick<Element, 'bytes'>[] = []
  const t = Array.from({ length: instances }, (_, i) => {
    const choice = bitAt(choices, i)
    const ti = randomElementScalar(elements, rng)
    const uniform = rng(uniformLength)
    const other = element(elements.fromUniform(uniform))
    uniform.fill(0) // it would tell which of the two elements was not chosen
    const mask = hashToElement(engine, session, i, choice, other.bytes)
    const multiple = elements.multiplyBase(ti)
    const chosen = element(elements.subtract(multiple, mask))
    message.push(...inPosition(choice, chosen.bytes, other.bytes))
    wipeElementPoint(mask) // this and the next would tell the choice
    wipeElementPoint(multiple)
    wipeElement(chosen)
    wipeElement(other)
    return ti
  })
  return { choices, t, message }
}

/** The receiver's keys K_b = K(b, t·A): it is the sender of the OT extension. */
export function finishReceiver(
  { elements }: Engine,
  session: Uint8Array,
  state: BaseOtReceiver,
  A: Element,
): OtSenderState {
  const seeds = new Uint8Array(seedsLength)
  const multipleOfA = elements.multiplier(A.point)
  state.t.forEach((ti, i) => {
    const shared = element(multipleOfA(ti))
    seeds.set(H(tag.baseOtKey, session, i, bitAt(state.choices, i), shared.bytes), i * seedLength)
    wipeElement(shared)
  })
  return { delta: state.choices, seeds }
}

/** The sender's keys K_b = K(b, a·(R_b + Hg(b, R_{1-b}))) for b = 0, 1: it is the receiver of the OT extension. */
export function finishSender(
  engine: Engine,
  session: Uint8Array,
  state: BaseOtSender,
  received: readonly Element[],
): OtReceiverState {
  const { elements } = engine
  const seeds = [new Uint8Array(seedsLength), new Uint8Array(seedsLength)] as const
  for (let i = 0; i < instances; i++) {
    const pair = [elementAt(received, 2 * i), elementAt(received, 2 * i + 1)] as const
    for (const branch of [0, 1] as const) {
      const other = branch === 0 ? pair[1] : pair[0]
      const sum = elements.add(pair[branch].point, hashToElement(engine, session, i, branch, other.bytes))
      // A receiver that makes this sum the identity (t = 0) has chosen this branch and learns no more than its own key.
      const shared = element(elements.multiply(sum, state.a))
      seeds[branch].set(H(tag.baseOtKey, session, i, branch, shared.bytes), i * seedLength)
      wipeElement(shared)
    }
  }
  return { seeds0: seeds[0], seeds1: seeds[1] }
}

function hashToElement(
  { elements }: Engine,
  session: Uint8Array,
  instance: number,
  branch: number,
  other: Uint8Array,
): ElementPoint {
  const uniform = xof(uniformLength, tag.baseOtPoint, session, instance, branch, other)
  const point = elements.fromUniform(uniform)
  uniform.fill(0) // the receiver's branch is secret
  return point
}

/** `chosen` at position `choice` and `other` at the other one, placed by masks: the choice is secret. */
function inPosition(choice: number, chosen: Uint8Array, other: Uint8Array): readonly Pick<Element, 'bytes'>[] {
  const mask = -choice
  const swap = xorBytes(chosen, other).map((byte) => byte & mask)
  const placed = [{ bytes: xorBytes(chosen, swap) }, { bytes: xorBytes(other, swap) }]
  swap.fill(0)
  return placed
}

function elementAt(list: readonly Element[], index: number): Element {
  const found = list[index]
  if (found === undefined) throw new RangeError(`element ${index} of ${list.length}`)
  return found
}
