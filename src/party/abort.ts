/** Waiting that ends when a signal says so. */
import type { Clock } from './clock.ts'

/** `work`, or a rejection with the signal's reason, whichever is first. What `work` does later is ignored. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** A signal that follows `outer` and can also be aborted by itself. `detach` when done, or `outer` keeps it alive. */
export function linkedAbort(outer: AbortSignal): Readonly<{ controller: AbortController; detach: () => void }> {
  const controller = new AbortController()
  const follow = () => controller.abort(outer.reason)
  if (outer.aborted) follow()
  outer.addEventListener('abort', follow, { once: true })
  return { controller, detach: () => outer.removeEventListener('abort', follow) }
}

/**
 * `work`, given a signal that is aborted with `timedOut()` after `timeoutMs`. Rejects then even if `work` does not
 * react.
 */
export async function within<T>(
  clock: Clock,
  timeoutMs: number,
  outer: AbortSignal,
  timedOut: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { controller, detach } = linkedAbort(outer)
  const done = new AbortController()
  clock.sleep(timeoutMs, done.signal).then(
    () => controller.abort(timedOut()),
    () => undefined,
  )
  try {
    return await orAborted(work(controller.signal), controller.signal)
  } finally {
    done.abort()
    detach()
  }
}
