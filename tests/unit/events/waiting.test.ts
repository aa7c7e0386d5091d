/** The small parts that make one thing wait for another. */
import { describe, expect, test } from 'vitest'
import { createAppliedPosition } from '../../../src/events/applied-position.ts'
import { createEventBuffer } from '../../../src/events/event-buffer.ts'
import type { StoredEvent } from '../../../src/events/event-log.ts'
import { createSerialQueue } from '../../../src/events/serial-queue.ts'

const event = (sequence: number): StoredEvent => {
  return { stream: 'SESSIONS', sequence, subject: 'mpc.session.a', data: new Uint8Array(0) }
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  return (await Promise.race([promise, new Promise((resolve) => setImmediate(resolve, pending))])) !== pending
}

describe('a serial queue', () => {
  test('runs jobs of one key in order, one at a time, also after a failure', async () => {
    const queue = createSerialQueue()
    const trace: string[] = []
    const job = (name: string) => async () => {
      trace.push(`${name} begins`)
      await Promise.resolve()
      trace.push(`${name} ends`)
      if (name === 'a') throw new Error(name)
      return name
    }
    const [a, b, c] = [queue.run('key', job('a')), queue.run('key', job('b')), queue.run('key', job('c'))]
    await expect(a).rejects.toThrow('a')
    expect([await b, await c]).toEqual(['b', 'c'])
    expect(trace).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  test('does not let keys wait for each other', async () => {
    const queue = createSerialQueue()
    void queue.run('stuck', () => new Promise(() => undefined))
    expect(await queue.run('free', async () => 'done')).toBe('done')
  })
})

describe('an applied position', () => {
  test('wakes who waited for it, and no one else', async () => {
    let waits = 0
    const position = createAppliedPosition(5, () => (waits += 1))
    expect(await position.reached(5, 0)).toBe(true)
    const [seven, nine] = [position.reached(7, 60_000), position.reached(9, 60_000)]
    expect(waits).toBe(2)
    position.moveTo(8)
    expect(await seven).toBe(true)
    expect(await settled(nine)).toBe(false)
    position.moveTo(3)
    expect(position.value()).toBe(8)
    position.moveTo(9)
    expect(await nine).toBe(true)
    expect(position.awaited()).toBe(false)
  })

  test('answers no when it takes too long', async () => {
    const position = createAppliedPosition(0, () => undefined)
    expect(await position.reached(1, 1)).toBe(false)
    expect(position.awaited()).toBe(false)
  })
})

describe('an event buffer', () => {
  test('holds the writer up while it is full', async () => {
    const buffer = createEventBuffer(2)
    await buffer.add(event(1))
    const second = buffer.add(event(2))
    expect(await settled(second)).toBe(false)
    buffer.drop(1)
    expect(await settled(second)).toBe(true)
    expect(buffer.first(10).map(({ sequence }) => sequence)).toEqual([2])
  })

  test('wakes the reader with the first event', async () => {
    const buffer = createEventBuffer(10)
    const waiting = buffer.wait()
    expect(await settled(waiting)).toBe(false)
    await buffer.add(event(1))
    expect(await settled(waiting)).toBe(true)
  })
})
