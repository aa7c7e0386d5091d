/** Every subset of 0 … parties − 1 with at least `least` members. */
export function subsets(parties: number, least: number): readonly (readonly number[])[] {
  const all = Array.from({ length: 2 ** parties }, (_, mask) =>
    Array.from({ length: parties }, (_, index) => index).filter((index) => (mask >> index) & 1),
  )
  return all.filter((subset) => subset.length >= least)
}
