import { afterEach, expect, test, vi } from 'vitest'
import { createLogger } from '../../../src/edge/log.ts'
import { createReadiness } from '../../../src/edge/readiness.ts'

const log = createLogger('test', 'silent')

afterEach(() => vi.useRealTimers())

test('a service is ready when all its dependencies answer', async () => {
  expect(await createReadiness(async () => ({ nats: true, database: true }), log).ready()).toBe(true)
  expect(await createReadiness(async () => ({ nats: true, database: false }), log).ready()).toBe(false)
})

test('a check that throws means not ready', async () => {
  expect(await createReadiness(() => Promise.reject(new Error('no')), log).ready()).toBe(false)
})

test('a check that hangs means not ready', async () => {
  vi.useFakeTimers()
  const answer = createReadiness(() => new Promise(() => {}), log).ready()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await answer).toBe(false)
})

test('many questions at once are one question to the dependencies', async () => {
  let asked = 0
  const readiness = createReadiness(async () => ({ asked: ++asked > 0 }), log)
  await Promise.all(Array.from({ length: 50 }, () => readiness.ready()))
  expect(asked).toBe(1)
})

test('a stopping service is not ready, whatever its dependencies say', async () => {
  const readiness = createReadiness(async () => ({ nats: true }), log)
  readiness.stop()
  expect(await readiness.ready()).toBe(false)
})
