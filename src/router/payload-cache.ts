/**
 * The payloads kept in memory, for all sessions together and up to a number of bytes. The oldest go first; what has
 * gone is read from the log again when somebody needs it.
 */

export type PayloadHolder = {
  payload: Uint8Array | null
}

export class PayloadCache {
  readonly #maxBytes: number
  readonly #holders = new Set<PayloadHolder>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Counts a holder that has its payload, and takes payloads from the oldest holders until all fit. */
  keep(holder: PayloadHolder): void {
    if (holder.payload === null || this.#holders.has(holder)) return
    holder.payload = ownBytes(holder.payload)
    this.#holders.add(holder)
    this.#bytes += holder.payload.length
    for (const oldest of this.#holders) {
      if (this.#bytes <= this.#maxBytes) return
      this.forget(oldest)
    }
  }

  forget(holder: PayloadHolder): void {
    if (!this.#holders.delete(holder) || holder.payload === null) return
    this.#bytes -= holder.payload.length
    holder.payload = null
  }
}

/** A payload is a view into what came from the socket; a small view would keep a large buffer alive. */
function ownBytes(payload: Uint8Array): Uint8Array {
  return payload.buffer.byteLength > 2 * payload.length ? Uint8Array.from(payload) : payload
}
