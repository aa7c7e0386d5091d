/** Sessions as folds, on a real log: competing writers, restarts, lost history. */
import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAggregateStore, type Decision, type Fold } from '../../../src/events/aggregate-store.ts'
import { AppendConflict, type EventLog } from '../../../src/events/event-log.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import {
  BrokenChain,
  encodeEvent,
  emptyChain,
  verifyChain,
  type SessionPayload,
} from '../../../src/events/session-event.ts'
import { sessionSubject } from '../../../src/events/subjects.ts'
import { PartyReadySchema } from '../../../src/gen/mpc/events/v1/session_events_pb.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'

let nats: TestNats
let logs: EventLog[]

beforeAll(async () => {
  nats = await startNats()
  const opening = ['one', 'two', 'three'].map((name) => openEventLog({ url: nats.url, name, replicas: 1 }))
  logs = await Promise.all(opening)
})

afterAll(async () => {
  for (const log of logs ?? []) await log.close()
  await nats?.stop()
})

/** The state is the list of parties that became ready. */
const fold: Fold<readonly string[]> = {
  initial: [],
  evolve: (state, payload) => (payload.case === 'partyReady' ? [...state, payload.value.partyId] : state),
}

function ready(partyId: string): SessionPayload {
  return { case: 'partyReady', value: create(PartyReadySchema, { partyId }) }
}

const cause = () => ({ causationId: randomUUID(), correlationId: 'trace', timeMs: Date.now() })
const add = (partyId: string): Decision => ({ events: [{ actor: 'tests', payload: ready(partyId) }], refusal: null })
const store = (index: number) => createAggregateStore({ log: logs[index]!, fold })

describe('deciding on a session', () => {
  test('three processes with twenty commands each lose and repeat nothing', async () => {
    const sessionId = randomUUID()
    const stores = [store(0), store(1), store(2)]
    const names = stores.flatMap((_, process) => Array.from({ length: 20 }, (__, n) => `party-${process}-${n}`))
    await Promise.all(names.map((name, n) => stores[n % 3]!.execute(sessionId, () => add(name), cause())))
    const states = await Promise.all(stores.map((each) => each.load(sessionId)))
    expect(states[0]!.state.toSorted()).toEqual(names.toSorted())
    for (const other of states.slice(1)) expect(other).toEqual(states[0])
    const stored: Uint8Array[] = []
    for await (const event of logs[0]!.read(sessionSubject(sessionId))) stored.push(event.data)
    expect(await verifyChain(sessionId, stored, states[0]!.head)).toMatchObject({ kind: 'intact' })
  })

  test('never refuses or answers from a state that another process has changed', async () => {
    const sessionId = randomUUID()
    const [here, there] = [store(0), store(1)]
    await here.execute(sessionId, () => add('alice'), cause())
    await there.execute(sessionId, () => add('bob'), cause())
    const seen: (readonly string[])[] = []
    const onlyLook = ({ state }: { state: readonly string[] }): Decision => {
      seen.push(state)
      const refusal = state.includes('bob') ? null : new Error('bob is not ready')
      return { events: [], refusal }
    }
    const { state } = await here.execute(sessionId, onlyLook, cause())
    expect(state).toEqual(['alice', 'bob'])
    expect(seen.at(-1)).toEqual(['alice', 'bob'])
  })

  test('appends what was decided even when the command is refused', async () => {
    const sessionId = randomUUID()
    const refused = store(0).execute(sessionId, () => ({ ...add('alice'), refusal: new Error('refused') }), cause())
    await expect(refused).rejects.toThrow('refused')
    expect((await store(1).load(sessionId)).state).toEqual(['alice'])
  })

  test('gives up with a conflict after the attempts of its policy', async () => {
    const sessionId = randomUUID()
    const retry = { attempts: 3, firstPauseMs: 1, longestPauseMs: 2 }
    let attempts = 0
    const beaten: EventLog = {
      ...logs[0]!,
      append: () => {
        attempts += 1
        return Promise.reject(new AppendConflict('always'))
      },
    }
    const unlucky = createAggregateStore({ log: beaten, fold, retry })
    await expect(unlucky.execute(sessionId, () => add('alice'), cause())).rejects.toBeInstanceOf(AppendConflict)
    expect(attempts).toBe(3)
  })
})

describe('loading', () => {
  test('a new process folds to the same state, and follows on', async () => {
    const sessionId = randomUUID()
    const before = store(0)
    for (const name of ['a', 'b', 'c']) await before.execute(sessionId, () => add(name), cause())
    const after = store(1)
    expect(await after.load(sessionId)).toEqual(await before.load(sessionId))
    await after.execute(sessionId, () => add('d'), cause())
    expect((await before.load(sessionId)).state).toEqual(['a', 'b', 'c', 'd'])
  })

  test('of a session without events is the initial state', async () => {
    expect(await store(0).load(randomUUID())).toMatchObject({ state: [], sequence: 0, head: { version: 0 } })
  })

  test('stops at an event that does not follow from the one before it', async () => {
    const sessionId = randomUUID()
    await store(0).execute(sessionId, () => add('alice'), cause())
    const context = { ...cause(), actor: 'mallory' }
    const forged = encodeEvent(sessionId, { ...emptyChain, version: 1 }, ready('mallory'), context)
    await logs[0]!.append(sessionSubject(sessionId), forged.bytes, { messageId: randomUUID() })
    await expect(store(1).load(sessionId)).rejects.toBeInstanceOf(BrokenChain)
  })

  test('notices that the log has lost events that it has seen', async () => {
    const sessionId = randomUUID()
    let forgetful = false
    const [real] = logs
    const log: EventLog = { ...real!, last: async (subject) => (forgetful ? null : real!.last(subject)) }
    const witness = createAggregateStore({ log, fold })
    await witness.execute(sessionId, () => add('alice'), cause())
    forgetful = true
    await expect(witness.load(sessionId)).rejects.toBeInstanceOf(BrokenChain)
  })

  test('forgets the oldest sessions when the cache is full, and finds them again in the log', async () => {
    const small = createAggregateStore({ log: logs[0]!, fold, cacheSize: 2 })
    const ids = [randomUUID(), randomUUID(), randomUUID()]
    for (const id of ids) await small.execute(id, () => add(id), cause())
    expect(ids.map((id) => small.known(id) !== null)).toEqual([false, true, true])
    for (const id of ids) expect((await small.load(id)).state).toEqual([id])
  })
})
