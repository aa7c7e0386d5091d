/** A bar in a terminal, redrawn in place; a line every few seconds where the output is a file. */

export type ProgressBar = Readonly<{
  /** In events; the first call tells where it begins. */
  update: (done: number, total: number) => void
  /** Leaves the terminal at the beginning of a line. */
  end: () => void
}>

const width = 30
const redrawMs = 100
const lineMs = 5_000

export function createProgressBar(out: NodeJS.WriteStream): ProgressBar {
  const pauseMs = out.isTTY ? redrawMs : lineMs
  const startedAtMs = performance.now()
  let first: number | null = null
  let shownAtMs = -Infinity
  let shown = false
  return {
    update: (done, total) => {
      first ??= done
      const nowMs = performance.now()
      if (nowMs - shownAtMs < pauseMs && done < total) return
      shownAtMs = nowMs
      shown = true
      const line = progressLine(done, total, (done - first) / Math.max((nowMs - startedAtMs) / 1000, 0.001))
      out.write(out.isTTY ? `\r\u001b[K${line}` : `${line}\n`)
    },
    end: () => {
      if (shown && out.isTTY) out.write('\n')
    },
  }
}

/** `[######      ]  50 %  1,000 of 2,000 events, 800 events/s`. */
export function progressLine(done: number, total: number, eventsPerSecond: number): string {
  const share = total === 0 ? 1 : Math.min(done / total, 1)
  const bar = '#'.repeat(Math.round(share * width)).padEnd(width)
  const percent = String(Math.floor(share * 100)).padStart(3)
  return `[${bar}] ${percent} %  ${number(done)} of ${number(total)} events, ${number(eventsPerSecond)} events/s`
}

export function number(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
