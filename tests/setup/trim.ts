/** Drops the beginning of MESSAGES as `mpc audit trim` does once an archive has all of it: without an archive here. */
import { leafOfEvent } from '../../src/audit/log-leaf.ts'
import { appendLeaf, emptyFrontier } from '../../src/audit/merkle-tree.ts'
import type { EventLog } from '../../src/events/event-log.ts'
import { allMessages } from '../../src/events/subjects.ts'
import { openTrimmer } from '../../src/events/trim-messages.ts'

export async function trimUpTo(natsUrl: string, log: EventLog, upTo: number): Promise<void> {
  const before = await log.trimmed()
  let tree = before === null ? emptyFrontier : { size: before.upTo, subtrees: before.subtrees }
  for await (const event of log.read(allMessages, tree.size)) {
    if (event.sequence <= upTo) tree = appendLeaf(tree, leafOfEvent(event))
  }
  const trimmer = await openTrimmer({ url: natsUrl, name: 'operator' })
  try {
    await trimmer.trim({ upTo, sessionsUpTo: await log.lastSequence('SESSIONS'), subtrees: tree.subtrees })
  } finally {
    await trimmer.close()
  }
  if ((await log.trimmed())?.upTo !== upTo) throw new Error(`MESSAGES does not say that it begins after ${upTo}`)
}
