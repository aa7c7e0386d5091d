/** One session with at most one crash in it, and everything that must hold after it. */
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import secp256k1 from 'secp256k1'
import { expect } from 'vitest'
import type { CrashSystem } from './crash-system.ts'
import type { Point, Seen, Victim } from './gate.ts'
import type { Ended, Places } from './sessions.ts'

export type Survived = Readonly<{
  end: Ended
  /** The steps of the session. */
  seen: readonly Seen[]
  /** Whether the point came, and with it the crash. */
  reached: boolean
}>

const patienceMs = 60_000

export function placesOf({ service, phone }: CrashSystem): Places {
  const accountsUrl = service('account-service').httpUrl
  return { accountsUrl, coordinatorUrl: service('session-coordinator').httpUrl, phone }
}

export async function survive(system: CrashSystem, run: () => Promise<Ended>, point?: Point): Promise<Survived> {
  const { gate, rebuild } = system
  let restarted: Promise<void> = Promise.resolve()
  gate.begin(point, () => {
    if (point !== undefined) restarted = crash(system, point.victim)
  })
  const end = await run()
  await journalClosed(system)
  await restarted
  await rebuild.requireEqual()
  // The last projection of a session comes after its end, and so may the crash.
  await restarted
  const { seen, reached } = gate.end()
  const { status, outcome } = end
  const isPartyKilled = reached && point?.victim === 'server-party-1'
  // A party's round state is in its memory only, so its session may fail; nobody else's crash is worth a session.
  expect(isPartyKilled ? ['completed', 'failed'] : ['completed']).toContain(status['status'])
  expect(outcome.kind === 'failed' ? 'failed' : 'completed', JSON.stringify(outcome)).toBe(status['status'])
  return { end, seen, reached }
}

/** The signal leaves before this returns. Resolves when the victim is up again. */
async function crash({ nats, service }: CrashSystem, victim: Victim): Promise<void> {
  if (victim === 'nats-server') {
    await nats.kill()
    return nats.restart()
  }
  const { kill, restart } = service(victim)
  await kill('SIGKILL')
  return restart()
}

/** The party has ended everything that it was in. */
async function journalClosed({ shareFolder }: CrashSystem): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (readdirSync(shareFolder).some((file) => /\.(session|tmp)/.test(file))) {
    if (performance.now() > deadline) throw new Error('the party does not end its session')
    await sleep(20)
  }
}

/** Valid for libsecp256k1, and the only one: coordinator and phone have the same. */
export function requireSignature({ status, outcome }: Ended, messageHash: string, publicKey: string): void {
  if (status['status'] !== 'completed') {
    expect(status['signature'] ?? null).toBeNull()
    return
  }
  const signature = Buffer.from(String(status['signature']), 'hex')
  const [hash, key] = [Buffer.from(messageHash, 'hex'), Buffer.from(publicKey, 'hex')]
  expect(secp256k1.ecdsaVerify(signature, hash, key)).toBe(true)
  if (outcome.kind !== 'signed') throw new Error(`the phone has no signature: ${outcome.kind}`)
  expect(Buffer.concat([outcome.r, outcome.s]).equals(signature)).toBe(true)
}

/** 64 hex digits. */
export function messageHashOf(number: number): string {
  return (number + 1).toString(16).padStart(64, '7')
}
