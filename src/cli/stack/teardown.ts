/** Stopping what was started, in reverse order, however far the start got. */

export type Teardown = Readonly<{
  /** A step added after the teardown has begun runs at once. */
  add: (step: () => void | Promise<void>) => void
  /** Runs every step once; a second call waits for the first. Throws the first failure after trying all. */
  run: () => Promise<void>
}>

const open = new Set<Teardown>()

export function openTeardown(): Teardown {
  const steps: (() => void | Promise<void>)[] = []
  let finished: Promise<void> | null = null
  const teardown: Teardown = {
    add: (step) => {
      if (finished === null) steps.push(step)
      else finished = finished.then(step)
    },
    run: () => (finished ??= unwind(steps).finally(() => open.delete(teardown))),
  }
  open.add(teardown)
  return teardown
}

/** For the end of the process: every stack that is open or still starting. */
export async function closeEverything(): Promise<void> {
  await Promise.all([...open].map((teardown) => teardown.run()))
}

async function unwind(steps: (() => void | Promise<void>)[]): Promise<void> {
  const failures: unknown[] = []
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}
