/** Order between the two streams: each has one of its own, and only the times in the events relate them. */
import type { Entry } from './entry.ts'
import type { Finding } from './records.ts'

/** Both in their own order; of two that could come next the earlier by time does, lifecycle events first. */
export function mergeByTime(lifecycle: readonly Entry[], messages: readonly Entry[]): readonly Entry[] {
  const merged: Entry[] = []
  let next = 0
  for (const event of lifecycle) {
    for (;;) {
      const message = messages[next]
      if (message === undefined || message.timeMs >= event.timeMs) break
      merged.push(message)
      next += 1
    }
    merged.push(event)
  }
  return [...merged, ...messages.slice(next)]
}

/** The first bad event first: that of a session's chain before its messages, each by sequence. */
export function inLogOrder(findings: readonly Finding[]): readonly Finding[] {
  const rank = ({ stream }: Finding) => (stream === 'SESSIONS' ? 0 : 1)
  const position = ({ sequence }: Finding) => sequence ?? Number.MAX_SAFE_INTEGER
  return [...findings].sort((a, b) => rank(a) - rank(b) || position(a) - position(b))
}
