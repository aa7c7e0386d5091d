/** Spans of time as people write them: 90s, 30m, 12h, 90d; 0. */

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const maxMs = 100 * 365 * 86_400_000

/** Milliseconds, or null for what is none or longer than a century. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const unitMs = unitsMs[unit ?? '']
  if (count === undefined || unitMs === undefined) return null
  const ms = Number(count) * unitMs
  return ms <= maxMs ? ms : null
}

/** In the largest unit that it has two of: `5 d`, `36 h`, `90 min`, `20 s`. */
export function showDuration(ms: number): string {
  const steps = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000]] as const
  const [unit, unitMs] = steps.find(([, size]) => ms >= 2 * size) ?? ['s', 1_000]
  return `${Math.floor(ms / unitMs)} ${unit}`
}
