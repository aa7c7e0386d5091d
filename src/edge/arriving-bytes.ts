/**
 * What has arrived of requests that are not complete. Anybody may begin a request before it is known who calls, and
 * what is there of it stays in memory until the rest comes: one connection of a thousand calls could hold a gigabyte.
 */
import { connectErrorOf } from './refusal-error.ts'
import type { EdgeLimits } from './limits.ts'
import type { Metrics } from './metrics.ts'
import { Refusal } from './refusal.ts'

export type Arrival = Readonly<{
  /** `body`, counted until it ends or fails. Throws Refusal 'rate_limited', as ConnectError. */
  counted: (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>
  /** To be called when the request is over, however it ended: a body that nobody reads on does not end by itself. */
  close: () => void
}>

/** Begins to count a request from an address, as limits count it. */
export type BeginArrival = (address: string) => Arrival

const retrySeconds = 5

export function createArrivals(limits: EdgeLimits, metrics: Metrics): BeginArrival {
  const { arrivingBytes, arrivingBytesPerAddress } = limits
  const held = new Map<string, number>()
  let total = 0
  const add = (address: string, bytes: number): number => {
    const ofAddress = (held.get(address) ?? 0) + bytes
    total += bytes
    if (ofAddress > 0) held.set(address, ofAddress)
    else held.delete(address)
    return ofAddress
  }
  return (address) => {
    let own = 0
    let closed = false
    const close = (): void => {
      closed = true
      if (own > 0) add(address, -own)
      own = 0
    }
    const take = (bytes: number): void => {
      if (closed || bytes === 0) return
      own += bytes
      if (add(address, bytes) <= arrivingBytesPerAddress && total <= arrivingBytes) return
      metrics.limited('arriving')
      throw connectErrorOf(new Refusal('rate_limited', 'too much of unfinished requests', {}, retrySeconds))
    }
    return { counted: (body) => countedBy(take, close, body), close }
  }
}

async function* countedBy(
  take: (bytes: number) => void,
  close: () => void,
  body: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of body) {
      take(chunk.length)
      // A copy: what HTTP/2 gives is a view of a larger piece of the connection, which would stay in memory with it.
      yield new Uint8Array(chunk)
    }
  } finally {
    close()
  }
}
