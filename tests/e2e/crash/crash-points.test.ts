/**
 * Every service, and nats-server, is killed (SIGKILL) at every transition of a key generation and of a signature: with
 * a request on its way that has not arrived, and with an answer that it has not heard; for appends, projections, share
 * and journal writes, calls and what is published. MPC_CRASH_POINTS is how many points to take (`all`: every one),
 * MPC_CRASH_SEED which.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rest } from '../fixtures/rest.ts'
import { openCrashSystem, type CrashSystem } from './crash-system.ts'
import { describePoint, pointsOf, samplePoints, type Point, type Victim } from './gate.ts'
import { createAccount, makeKeyTogether, signTogether } from './sessions.ts'
import { messageHashOf, placesOf, requireSignature, survive, type Survived } from './survival.ts'
import { verifyLog } from './verify-log.ts'

const wanted = process.env['MPC_CRASH_POINTS'] ?? '30'
const seed = Number(process.env['MPC_CRASH_SEED'] ?? 1)
const timeoutMs = 7_200_000

type Kind = 'keygen' | 'sign'
type Tried = Readonly<{ kind: Kind; point: Point }>
type Count = { points: number; reached: number; completed: number; failed: number }

let system: CrashSystem
let signings = 0

beforeAll(async () => {
  system = await openCrashSystem()
})

afterAll(() => system?.close())

test('a crash at any step', { timeout: timeoutMs }, async () => {
  const made = await makeKeyAt()
  const publicKey = String(made.end.status['public_key'])
  const accountId = await createAccount(placesOf(system), publicKey)
  const signed = await signAt(accountId, publicKey)

  const all = [...triesIn('keygen', made), ...triesIn('sign', signed)]
  const tries = sample(all)
  console.log(`${all.length} points in a key generation and a signature; seed ${seed}: ${tries.length} of them`)
  const counts = new Map<Victim, Count>()
  for (const { kind, point } of tries) {
    const name = `${kind}: ${describePoint(point)}`
    try {
      const survived = kind === 'sign' ? await signAt(accountId, publicKey, point) : await makeKeyAt(point)
      if (kind === 'keygen') await requireShare(survived, point)
      count(counts, point.victim, survived)
      if (wanted === 'all') console.log(`${name}: ${survived.reached ? survived.end.status['status'] : 'not reached'}`)
    } catch (error) {
      throw new Error(`${name} (MPC_CRASH_SEED=${seed}): ${String(error)}`, { cause: error })
    }
  }
  const summary = await verifyLog(system.nats.url, system.acked)
  console.log('crash points covered', Object.fromEntries(counts), summary)
  const reached = [...counts.values()].reduce((sum, each) => sum + each.reached, 0)
  expect(reached).toBeGreaterThan(tries.length * 0.8)
})

function makeKeyAt(point?: Point): Promise<Survived> {
  return survive(system, () => makeKeyTogether(placesOf(system)), point)
}

async function signAt(accountId: string, publicKey: string, point?: Point): Promise<Survived> {
  const hash = messageHashOf(signings++)
  const survived = await survive(system, () => signTogether(placesOf(system), accountId, hash), point)
  requireSignature(survived.end, hash, publicKey)
  return survived
}

/** What was reported is stored: the server party has its share of a key that was made, and it is one that signs. */
async function requireShare({ end }: Survived, { victim }: Point): Promise<void> {
  if (end.status['status'] !== 'completed') return
  const { body } = await rest('GET', `${system.service('server-party-1').httpUrl}/api/v1/party/keys?limit=1000`)
  expect(JSON.stringify(body)).toContain(end.sessionId)
  if (victim !== 'server-party-1') return
  const publicKey = String(end.status['public_key'])
  const signed = await signAt(await createAccount(placesOf(system), publicKey), publicKey)
  expect(signed.end.status['status']).toBe('completed')
}

function triesIn(kind: Kind, { seen }: Survived): readonly Tried[] {
  return pointsOf(seen).map((point) => ({ kind, point }))
}

function sample(all: readonly Tried[]): readonly Tried[] {
  if (wanted === 'all') return all
  const half = Math.ceil(Number(wanted) / 2)
  return (['keygen', 'sign'] as const).flatMap((kind) => {
    const points = all.filter((one) => one.kind === kind).map(({ point }) => point)
    return samplePoints(points, half, seed).map((point) => ({ kind, point }))
  })
}

function count(counts: Map<Victim, Count>, victim: Victim, { end, reached }: Survived): void {
  const row = counts.get(victim) ?? { points: 0, reached: 0, completed: 0, failed: 0 }
  row.points += 1
  row.reached += reached ? 1 : 0
  row[end.status['status'] === 'completed' ? 'completed' : 'failed'] += 1
  counts.set(victim, row)
}
