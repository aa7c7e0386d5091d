/** Leaf hashes of a stream by position, in any order: 32 bytes each, in pages that exist where something is. */
const hashBytes = 32
const pageLeaves = 1024

export class LeafStore {
  readonly #pages = new Map<number, Readonly<{ leaves: Uint8Array; present: Uint8Array }>>()

  /** `sequence` from 1. */
  set(sequence: number, leaf: Uint8Array): void {
    const [number, place] = this.#placeOf(sequence)
    const page = this.#pages.get(number) ?? {
      leaves: new Uint8Array(hashBytes * pageLeaves),
      present: new Uint8Array(pageLeaves),
    }
    this.#pages.set(number, page)
    page.leaves.set(leaf, hashBytes * place)
    page.present[place] = 1
  }

  get(sequence: number): Uint8Array | null {
    const [number, place] = this.#placeOf(sequence)
    const page = this.#pages.get(number)
    if (page === undefined || page.present[place] !== 1) return null
    return page.leaves.subarray(hashBytes * place, hashBytes * (place + 1))
  }

  #placeOf(sequence: number): readonly [page: number, place: number] {
    return [Math.floor((sequence - 1) / pageLeaves), (sequence - 1) % pageLeaves]
  }
}
