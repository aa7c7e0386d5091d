/** How many lies were told, and what came of them. */
export type Tally = {
  lies: number
  /** That honest parties did not agree to. */
  signatures: number
  shares: number
  blames: number
  secrets: number
}

export function emptyTally(): Tally {
  return { lies: 0, signatures: 0, shares: 0, blames: 0, secrets: 0 }
}

/** One lie, if it was told, and what must not have come of it. */
export function count(
  tally: Tally,
  wasTold: boolean,
  outcome: Readonly<Record<'signatures' | 'shares' | 'blames' | 'secrets', readonly string[]>>,
): void {
  tally.lies += wasTold ? 1 : 0
  for (const kind of ['signatures', 'shares', 'blames', 'secrets'] as const) tally[kind] += outcome[kind].length
}

export function describeTally(liar: string, { lies, signatures, shares, blames, secrets }: Tally): string {
  const counts = [
    `${signatures} wrong signatures`,
    `${shares} wrong shares`,
    `${blames} wrong blames`,
    `${secrets} secrets shown`,
  ]
  return `${liar.padEnd(12)} ${String(lies).padStart(4)} lies told: ${counts.join(', ')}`
}
