import { setImmediate } from 'node:timers/promises'

/**
 * CPU time of this process, all threads: that of a block of runs over their number, as the system counts it in ticks that
 * may be as long as a run. Between runs the event loop turns, as in any program: what frees WebAssembly memory of objects
 * that are gone waits for that.
 */
export async function cpuMsPerRun(run: () => void, runs: number): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < runs; i++) {
    run()
    await setImmediate()
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / runs
}

/** How to count a number of runs: the median is of the blocks, at most `most` of them. */
export function blocksOf(runs: number, most = 5): Readonly<{ blocks: number; runsPerBlock: number }> {
  const blocks = Math.min(most, runs)
  return { blocks, runsPerBlock: Math.round(runs / blocks) }
}
