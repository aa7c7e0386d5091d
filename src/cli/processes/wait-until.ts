/** Waiting for a server to come up: polls with a bound. */
import { setTimeout as sleep } from 'node:timers/promises'

const intervalMs = 20

/** True as soon as `check` is, false after `timeoutMs`. `check` may throw to give up at once. */
export async function waitUntil(check: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    if (await check()) return true
    await sleep(intervalMs)
  }
  return check()
}
