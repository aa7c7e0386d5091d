/** All the ways in which somebody asks this process to stop: signals, and the end of the parent that started it. */

let stopping = false

/** Whether somebody asked: the process is going to end by itself. */
export function isStopping(): boolean {
  return stopping
}

/**
 * Calls `stop` once, then ends the process: 0 when it was asked to by its parent or by SIGTERM, 130 on Ctrl-C, 1 when
 * `stop` fails. Further requests change nothing: a terminal's Ctrl-C arrives here more than once.
 */
export function onStopRequest(stop: () => Promise<void>): void {
  const request = (exitCode: number) => {
    if (stopping) return
    stopping = true
    stop().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        console.error(`mpc: ${error instanceof Error ? error.message : String(error)}`)
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', () => request(130))
  process.on('SIGTERM', () => request(0))
  process.on('SIGHUP', () => request(0))
  // With a parent that is gone there is nobody to read what we print.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  if (process.connected) process.on('disconnect', () => request(0))
}
