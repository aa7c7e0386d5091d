/** What noble keeps in objects of its own does not fit a round's list of byte arrays: it is let go of here. */
import type { RNG } from '@noble/curves/abstract/frost.js'
import { wipe } from '../bytes.ts'
import type { Execution, Rng, Step } from '../protocol.ts'

/** The same run, which also calls `release` when it is over, however it ends. Perhaps more than once. */
export function releasing<Result>(execution: Execution<Result>, release: () => void): Execution<Result> {
  const step = (taken: Step<Result>): Step<Result> => {
    if (taken.kind !== 'next') release()
    return taken
  }
  return {
    start: () => step(execution.start()),
    receive: (round, inbound) => step(execution.receive(round, inbound)),
    erase: () => {
      execution.erase()
      release()
    },
  }
}

/** Runs `draw` with a generator whose outputs are overwritten afterwards: noble keeps scalars made of them only. */
export function withDrawn<T>(rng: Rng, draw: (rng: RNG) => T): T {
  const drawn: Uint8Array[] = []
  try {
    return draw((length = 32) => {
      const fresh = rng(length)
      drawn.push(fresh)
      return fresh as Uint8Array<ArrayBuffer> // none of our generators hands out shared memory
    })
  } finally {
    wipe(...drawn)
  }
}
