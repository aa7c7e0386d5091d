import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LogUnavailable, type EventLog, type StoredEvent } from '../../../src/events/event-log.ts'
import { allMessages, messagesOfSession, messageSubject } from '../../../src/events/subjects.ts'
import { LiveViews, type ViewLimits } from '../../../src/router/live-views.ts'
import { ScriptedLog } from './scripted-log.ts'

type View = { sequences: number[] }

/** Its readings go on by themselves. */
class FlowingLog extends ScriptedLog {
  override async *read(filter: string, afterSequence = 0): AsyncGenerator<StoredEvent> {
    for (const event of this.stored('MESSAGES')) {
      if (event.subject.startsWith(filter.replace(/>$/, '')) && event.sequence > afterSequence) yield event
    }
  }
}

/** Its first readings do not see the newest event, as those of a replica that is behind. */
class LaggingLog extends FlowingLog {
  #behind = 2

  override async *read(filter: string, afterSequence = 0): AsyncGenerator<StoredEvent> {
    const behind = this.#behind-- > 0
    for await (const event of super.read(filter, afterSequence)) {
      if (!behind || event.sequence < this.stored('MESSAGES').length) yield event
    }
  }
}

/** Its readings stop after the first event. */
class BrokenLog extends FlowingLog {
  broken = true

  override async *read(filter: string, afterSequence = 0): AsyncGenerator<StoredEvent> {
    for await (const event of super.read(filter, afterSequence)) {
      yield event
      if (this.broken) throw new LogUnavailable('event log: away')
    }
  }
}

async function viewsOn(log: EventLog, limits: Partial<ViewLimits> = {}): Promise<LiveViews<View>> {
  const views = new LiveViews<View>(
    log,
    {
      stream: 'MESSAGES',
      all: allMessages,
      one: messagesOfSession,
      create: () => ({ sequences: [] }),
      apply: (view, event) => view.sequences.push(event.sequence),
      weigh: (view) => 1 + view.sequences.length,
      drop: (view) => view.sequences.splice(0),
    },
    { maxWeight: 100, idleMs: 60_000, catchUpMs: 1000, ...limits },
  )
  await views.start()
  return views
}

function put(log: ScriptedLog, session: string): void {
  log.put(messageSubject(session, 'all'), new Uint8Array(), `${log.stored('MESSAGES').length}`)
}

describe('memory', () => {
  test('views that nobody holds make room, the least recently used first; held ones stay', async () => {
    const log = new FlowingLog()
    for (const session of ['s1', 's2', 's3', 's4']) put(log, session)
    const views = await viewsOn(log, { maxWeight: 6 })
    const held = await views.lease('s1')
    for (const session of ['s2', 's3']) (await views.lease(session)).release()
    expect([views.views, views.weight]).toEqual([3, 6])
    ;(await views.lease('s4')).release()
    expect([views.views, views.weight]).toEqual([3, 6])
    expect(held.view.sequences).toEqual([1])
    await views.close()
  })

  test('where everything is held, a further session is unavailable until something is released', async () => {
    const log = new FlowingLog()
    for (const session of ['s1', 's2']) put(log, session)
    const views = await viewsOn(log, { maxWeight: 2 })
    const held = await views.lease('s1')
    await expect(views.lease('s2')).rejects.toThrow(LogUnavailable)
    held.release()
    await expect(views.lease('s2')).resolves.toMatchObject({ view: { sequences: [2] } })
    await views.close()
  })

  test('a view without events is dropped when it is released', async () => {
    const views = await viewsOn(new FlowingLog())
    ;(await views.lease('nothing')).release()
    expect([views.views, views.weight]).toEqual([0, 0])
    await views.close()
  })

  describe('with time', () => {
    beforeEach(() => vi.useFakeTimers())
    afterEach(() => vi.useRealTimers())

    test('views that nobody has used for a while are dropped, held ones not', async () => {
      const log = new FlowingLog()
      for (const session of ['s1', 's2']) put(log, session)
      const views = await viewsOn(log, { idleMs: 1000 })
      const held = await views.lease('s1')
      ;(await views.lease('s2')).release()
      await vi.advanceTimersByTimeAsync(2000)
      expect(views.views).toBe(1)
      expect(held.view.sequences).toEqual([1])
      await views.close()
    })

    test('waiting for a position that does not come ends', async () => {
      const views = await viewsOn(new FlowingLog(), { catchUpMs: 1000 })
      const waiting = expect(views.reaches(5)).rejects.toThrow(LogUnavailable)
      await vi.advanceTimersByTimeAsync(1000)
      await waiting
      await views.close()
    })
  })
})

test('who waits for a position when the views close is told', async () => {
  const views = await viewsOn(new FlowingLog())
  const waiting = expect(views.reaches(5)).rejects.toThrow('closed')
  await views.close()
  await waiting
})

describe('completeness', () => {
  test('a view read from a replica that is behind is read again until it has what was delivered before', async () => {
    const log = new LaggingLog()
    const views = await viewsOn(log)
    for (let count = 0; count < 3; count += 1) put(log, 's1')
    while (await log.deliver('MESSAGES'));
    const lease = await views.lease('s1')
    expect(lease.view.sequences).toEqual([1, 2, 3])
    await views.close()
  })

  test('a reading that fails refuses all who waited for it, and the next one starts afresh', async () => {
    const log = new BrokenLog()
    put(log, 's1')
    const views = await viewsOn(log)
    const results = await Promise.allSettled([views.lease('s1'), views.lease('s1')])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(views.views).toBe(0)
    log.broken = false
    await expect(views.lease('s1')).resolves.toMatchObject({ view: { sequences: [1] } })
    await views.close()
  })

  test('a refresh does not settle for a reading that began before it', async () => {
    const log = new ScriptedLog()
    const views = await viewsOn(log)
    const opening = views.lease('s1')
    await log.letRead(0)
    const { view, refresh } = await opening
    put(log, 's1')
    const first = refresh()
    await log.letRead(0)
    put(log, 's1')
    const second = refresh()
    const third = refresh()
    for (let reads = 0; reads < 3; reads += 1) await log.letRead(0)
    await Promise.all([first, second, third])
    expect(view.sequences).toEqual([1, 2])
    await views.close()
  })

  test('a refresh sees what the follower has not delivered, and the follower does not repeat it', async () => {
    const log = new FlowingLog()
    put(log, 's1')
    const views = await viewsOn(log)
    const lease = await views.lease('s1')
    put(log, 's1')
    put(log, 's1')
    await lease.refresh()
    expect(lease.view.sequences).toEqual([1, 2, 3])
    while (await log.deliver('MESSAGES'));
    expect(lease.view.sequences).toEqual([1, 2, 3])
    await expect(views.reaches(3)).resolves.toBeUndefined()
    await views.close()
  })
})
