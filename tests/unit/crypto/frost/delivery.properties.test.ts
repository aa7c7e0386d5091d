import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FrostKeyShare } from '../../../../src/crypto/frost/key-share.ts'
import { verifyFrostSignature } from '../../../../src/crypto/frost/suite.ts'
import type { Execution, Inbound, Outbound, Step } from '../../../../src/crypto/protocol.ts'
import { hashOf } from '../fixtures.ts'
import { frostKeygenParties, frostKeyTypes, frostShareOf, frostSignParties } from './fixtures.ts'

/** A driver per party, as the party runtime has one: takes messages in any order and more than once. */
class Driver<Result> {
  step: Step<Result>
  readonly #run: Execution<Result>
  readonly #self: number
  readonly #parties: number
  readonly #received = new Map<string, Uint8Array>()

  constructor(run: Execution<Result>, self: number, parties: number) {
    this.#run = run
    this.#self = self
    this.#parties = parties
    this.step = run.start()
  }

  take(round: number, from: number, channel: 'broadcast' | 'direct', body: Uint8Array): readonly Sent[] {
    const slot = `${round} ${from} ${channel}`
    if (!this.#received.has(slot)) this.#received.set(slot, body)
    const sent: Sent[] = []
    for (let next = this.#complete(); next !== null; next = this.#complete()) {
      this.step = this.#run.receive(next.round, next.inbound)
      sent.push(...this.sent())
    }
    return sent
  }

  sent(): readonly Sent[] {
    if (this.step.kind !== 'next') return []
    const { round, outbound } = this.step
    const others = Array.from({ length: this.#parties }, (_, to) => to).filter((to) => to !== this.#self)
    return outbound.flatMap((message: Outbound) =>
      (message.kind === 'broadcast' ? others : [message.to]).map((to) => {
        return { round, from: this.#self, to, channel: message.kind, body: message.body }
      }),
    )
  }

  #complete(): Readonly<{ round: number; inbound: readonly Inbound[] }> | null {
    if (this.step.kind !== 'next') return null
    const { round, broadcast, direct } = this.step.expect
    const inbound: Inbound[] = []
    for (let from = 0; from < this.#parties; from++) {
      if (from === this.#self) continue
      const shown = this.#received.get(`${round} ${from} broadcast`)
      const told = this.#received.get(`${round} ${from} direct`)
      if ((broadcast && shown === undefined) || (direct && told === undefined)) return null
      inbound.push({ from, ...(broadcast && shown && { broadcast: shown }), ...(direct && told && { direct: told }) })
    }
    return { round, inbound }
  }
}

type Sent = Readonly<{ round: number; from: number; to: number; channel: 'broadcast' | 'direct'; body: Uint8Array }>

/** Delivers what is on its way in the order that `pick` chooses, some of it more than once. */
function deliver<Result>(
  runs: readonly Execution<Result>[],
  pick: (choices: number) => number,
): readonly Step<Result>[] {
  const drivers = runs.map((run, self) => new Driver(run, self, runs.length))
  const travelling = drivers.flatMap((driver) => [...driver.sent()])
  while (travelling.length > 0) {
    const index = pick(travelling.length)
    const message = travelling[index]
    if (message === undefined) throw new Error('nothing to deliver')
    if (pick(4) > 0) travelling.splice(index, 1) // else it comes again
    travelling.push(...(drivers[message.to]?.take(message.round, message.from, message.channel, message.body) ?? []))
  }
  return drivers.map(({ step }) => step)
}

function resultsIn<Result>(steps: readonly Step<Result>[]): Result[] {
  return steps.map((step) => {
    if (step.kind !== 'done') throw new Error(`a party ended with ${step.kind}`)
    return step.result
  })
}

test.each(frostKeyTypes)('in any order of delivery, with repetition, parties make a %s key and sign', (keyType) => {
  const scenario = fc
    .integer({ min: 2, max: 4 })
    .chain((parties) => fc.tuple(fc.constant(parties), fc.integer({ min: 2, max: parties }), fc.nat(1e9)))
    .chain(([parties, threshold, seed]) => {
      const everyone = Array.from({ length: parties }, (_, index) => index)
      const signers = fc.shuffledSubarray(everyone, { minLength: threshold })
      return fc.tuple(fc.constant({ parties, threshold, seed }), signers, fc.infiniteStream(fc.nat(1e6)))
    })
  fc.assert(
    fc.property(scenario, ([{ parties, threshold, seed }, signers, choices]) => {
      const pick = (count: number) => (choices.next().value as number) % count
      const key: FrostKeyShare[] = resultsIn(
        deliver(frostKeygenParties(keyType, threshold, parties, `property ${seed}`), pick),
      )
      const message = hashOf(`property ${seed}`)
      const results = resultsIn(deliver(frostSignParties(key, signers, { message, label: `property ${seed}` }), pick))
      for (const { signature, publicKey } of results) {
        expect(signature).toEqual(results[0]?.signature)
        expect(publicKey).toEqual(frostShareOf(key, 0).publicKey)
        expect(verifyFrostSignature(keyType, signature, message, publicKey)).toBe(true)
      }
    }),
    { numRuns: 15 },
  )
})
