/** Which sequences of a stream have been seen: one bit each, in pages that exist where something was. */
const pageBits = 32_768

export class SequenceSet {
  readonly #last: number
  readonly #pages = new Map<number, Uint8Array>()

  /** `last`: the highest sequence there may be. */
  constructor(last: number) {
    this.#last = last
  }

  /** False where it was there already, or cannot be. */
  add(sequence: number): boolean {
    if (!Number.isInteger(sequence) || sequence < 1 || sequence > this.#last || this.has(sequence)) return false
    const number = Math.floor(sequence / pageBits)
    const page = this.#pages.get(number) ?? new Uint8Array(pageBits / 8)
    const bit = sequence % pageBits
    page[bit >>> 3] = (page[bit >>> 3] ?? 0) | (1 << (bit & 7))
    this.#pages.set(number, page)
    return true
  }

  has(sequence: number): boolean {
    const bit = sequence % pageBits
    const page = this.#pages.get(Math.floor(sequence / pageBits))
    return ((page?.[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0
  }

  /** Ranges from 1 to the last that have not been seen, in order. */
  *gaps(): Generator<Readonly<{ first: number; last: number }>> {
    let first: number | null = null
    for (let sequence = 1; sequence <= this.#last; sequence += 1) {
      const isPageStart = sequence % pageBits === 0
      if (isPageStart && !this.#pages.has(sequence / pageBits)) {
        first ??= sequence
        sequence += pageBits - 1 // nothing of this page is there
      } else if (!this.has(sequence)) {
        first ??= sequence
      } else if (first !== null) {
        yield { first, last: sequence - 1 }
        first = null
      }
    }
    if (first !== null) yield { first, last: this.#last }
  }
}
