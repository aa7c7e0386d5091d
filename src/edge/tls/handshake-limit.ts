/** How many handshakes one address may begin in a second. */

/** Whether one more may begin now, which is counted. `nowMs` is any clock that does not go back. */
export function createHandshakeLimit(perSecond: number, nowMs: () => number = () => performance.now()) {
  let second = -1
  // Of the present second only, so it holds no more addresses than connected in it.
  const counts = new Map<string, number>()
  return (address: string): boolean => {
    const present = Math.floor(nowMs() / 1_000)
    if (present !== second) counts.clear()
    second = present
    const count = (counts.get(address) ?? 0) + 1
    counts.set(address, count)
    return count <= perSecond
  }
}
