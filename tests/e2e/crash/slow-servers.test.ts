/** nats-server and Postgres behind a slow network: sessions take longer, and complete. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCrashSystem, type CrashSystem } from './crash-system.ts'
import { createAccount, makeKeyTogether, signTogether } from './sessions.ts'
import { messageHashOf, placesOf, requireSignature, survive } from './survival.ts'
import { verifyLog } from './verify-log.ts'

/** Each way, one after the other. */
const delaysMs = [50, 200, 90, 140, 70, 180]

let system: CrashSystem
let pieces = 0
let isSlow = false

beforeAll(async () => {
  system = await openCrashSystem(() => (isSlow ? (delaysMs[pieces++ % delaysMs.length] ?? 0) : 0))
  isSlow = true
})

afterAll(() => system?.close())

test('a key generation and a signature complete over a slow network', async () => {
  const places = placesOf(system)
  const made = await survive(system, () => makeKeyTogether(places))
  const publicKey = String(made.end.status['public_key'])
  const accountId = await createAccount(places, publicKey)
  const hash = messageHashOf(0)
  const signed = await survive(system, () => signTogether(places, accountId, hash))
  requireSignature(signed.end, hash, publicKey)
  const summary = await verifyLog(system.nats.url, system.acked)
  console.log(`${pieces} messages were delayed`, summary)
  expect(summary).toMatchObject({ sessions: 2, signatures: 1 })
})
