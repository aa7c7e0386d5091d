/**
 * One page at a time on one store: two tabs would each believe its own bans and journal. A Web Lock is given up when
 * its page ends, however it ends, so nothing is ever left locked.
 */
import { StorageError } from '../store/records.ts'

export type StoreLock = Readonly<{
  release: () => void
  /** Resolves when the lock is no longer ours: released, or taken away by other code of the origin. */
  lost: Promise<void>
}>

/**
 * Waits up to `timeoutMs`, because a page that is being reloaded gives its lock up a moment late.
 * @throws StorageError when another page holds it.
 */
export async function lockStore(name: string, timeoutMs: number): Promise<StoreLock> {
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  const { promise: granted, resolve: grant } = Promise.withResolvers<void>()
  const lost = navigator.locks
    .request(`mpc-system/${name}`, { signal: AbortSignal.timeout(timeoutMs) }, () => {
      grant()
      return released
    })
    .then(() => undefined)
  try {
    await Promise.race([granted, lost])
  } catch (error) {
    const isBusy = error instanceof Error && error.name === 'TimeoutError'
    const problem = isBusy ? 'is open in another tab or window of this browser' : 'cannot be locked'
    throw new StorageError(`the store ${name} ${problem}`, { cause: error })
  }
  return { release, lost: lost.catch(() => undefined) }
}
