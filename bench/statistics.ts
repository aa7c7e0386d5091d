/** The value below which the given share (0 to 1) of the samples lies: nearest rank. */
export function percentile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new RangeError('a percentile needs at least one sample')
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] as number // within bounds
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5)
}
