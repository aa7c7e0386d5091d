/** Whether a service can do its work, asked of its dependencies at most twice a second. */
import type { Logger } from './log.ts'

/** Dependency name to whether it answers. */
export type Dependencies = Readonly<Record<string, boolean>>

export type Readiness = Readonly<{
  dependencies: () => Promise<Dependencies>
  ready: () => Promise<boolean>
  /** From now on the service is not ready, whatever its dependencies say. */
  stop: () => void
}>

const keepMs = 500
const timeoutMs = 2_000

/** `check` may throw or hang: both mean not ready. */
export function createReadiness(check: () => Promise<Dependencies>, log: Logger): Readiness {
  let stopping = false
  let latest: Readonly<{ askedAtMs: number; answer: Promise<Dependencies> }> | null = null

  const dependencies = async (): Promise<Dependencies> => {
    if (stopping) return { running: false }
    const nowMs = performance.now()
    if (latest === null || nowMs - latest.askedAtMs > keepMs) latest = { askedAtMs: nowMs, answer: ask(check, log) }
    return latest.answer
  }
  return {
    dependencies,
    ready: async () => Object.values(await dependencies()).every((answers) => answers),
    stop: () => {
      stopping = true
    },
  }
}

async function ask(check: () => Promise<Dependencies>, log: Logger): Promise<Dependencies> {
  let timer: NodeJS.Timeout | undefined
  const timedOut = new Promise<Dependencies>((resolve) => {
    timer = setTimeout(() => resolve({ dependencies: false }), timeoutMs)
  })
  try {
    return await Promise.race([check(), timedOut])
  } catch (error) {
    log.warn({ err: error }, 'the readiness check failed')
    return { dependencies: false }
  } finally {
    clearTimeout(timer)
  }
}
