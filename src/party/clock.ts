/** Time and randomness, passed in so that tests control the one and reproduce the other. */
import type { Rng } from '../crypto/protocol.ts'

export type Clock = Readonly<{
  /** Unix milliseconds. */
  nowMs: () => number
  /** Resolves after `delayMs`; rejects with the signal's reason as soon as it is aborted. */
  sleep: (delayMs: number, signal: AbortSignal) => Promise<void>
}>

/** Longest delay a timer takes. */
const maxDelayMs = 2 ** 31 - 1

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const cancel = () => {
        clearTimeout(timer)
        reject(signal.reason)
      }
      const timer = setTimeout(
        () => {
          signal.removeEventListener('abort', cancel)
          resolve()
        },
        Math.min(Math.max(delayMs, 0), maxDelayMs),
      )
      signal.addEventListener('abort', cancel, { once: true })
    }),
}

/** WebCrypto gives at most this many bytes at once. */
const randomChunkLength = 65_536

export const secureRandom: Rng = (length) => {
  const out = new Uint8Array(length)
  for (let offset = 0; offset < length; offset += randomChunkLength) {
    crypto.getRandomValues(out.subarray(offset, offset + randomChunkLength))
  }
  return out
}
