/**
 * Whole signing sessions on the dev stack, from the request that creates them to the verified signature at every
 * device, beside the same sessions with the cryptography replaced by random bytes of the same size. Both kinds take turns.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { openDevice, type Device } from '../src/cli/device.ts'
import { startStack, type Stack } from '../src/cli/stack/stack.ts'
import { decodeKeyShare } from '../src/crypto/key-share-codec.ts'
import { zeroScalar } from '../src/crypto/curve/scalar.ts'
import { limbEngine } from '../src/crypto/limbs/engine.ts'
import { lagrangeAtZero } from '../src/crypto/polynomial.ts'
import { connectService } from '../src/edge/service-client.ts'
import { SessionCoordinator } from '../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { approveKeygen, approveSigning } from '../src/party/approval.ts'
import type { ExecutionHost } from '../src/party/execution/execution-host.ts'
import { createWorkerHost } from '../src/party/node/worker-host.ts'
import { createFloorHost } from './floor-host.ts'
import { recordingShares } from './recording-host.ts'
import { percentile } from './statistics.ts'

export type SystemRow = Readonly<{
  signers: 'device + server' | 'two devices' | 'two devices, no cryptography'
  inFlight: number
  sessions: number
  p50Ms: number
  p95Ms: number
  perSecond: number
}>

type Group = Readonly<{
  signers: SystemRow['signers']
  keyId: string
  participants: readonly Participant[]
  locals: readonly Local[]
}>
type Participant = Readonly<{ partyId: string; deviceType: string; deviceId: string }>
type Local = Readonly<{ partyId: string; device: Device }>
type OpenSession = (
  request: Readonly<{
    sessionType: string
    thresholdN?: number
    thresholdT?: number
    participants: readonly Participant[]
    keyId?: string
    messageHash?: string
  }>,
) => Promise<Readonly<{ sessionId: string; joinTokens: Readonly<Record<string, string>> }>>

const turns = 4

/** `sessions`: per number in flight, how many of each kind. */
export async function benchSystem(sessions: ReadonlyMap<number, number>): Promise<readonly SystemRow[]> {
  const stack = await startStack({ ephemeral: true, ports: 'free', say: (line) => console.error(line) })
  const host = createWorkerHost()
  const devices: Device[] = []
  const coordinator = connectService(stack.services['session-coordinator'].grpcUrl)
  try {
    const client = coordinator.client(SessionCoordinator)
    const open: OpenSession = ({ participants, ...request }) =>
      client.createSession({ ...request, participants: [...participants] })
    const groups = await makeGroups(stack, host, devices, open)
    const rows: SystemRow[] = []
    for (const [inFlight, count] of sessions) {
      const samples = groups.map(() => ({ latencies: [] as number[], busyMs: 0 }))
      for (const group of groups) await runSessions(open, group, 2, inFlight)
      for (let turn = 0; turn < turns; turn++) {
        for (const [i, group] of groups.entries()) {
          const began = performance.now()
          samples[i]?.latencies.push(...(await runSessions(open, group, Math.ceil(count / turns), inFlight)))
          const sample = samples[i]
          if (sample !== undefined) sample.busyMs += performance.now() - began
        }
      }
      groups.forEach(({ signers }, i) => {
        const { latencies, busyMs } = samples[i] ?? { latencies: [], busyMs: 0 }
        const [p50Ms, p95Ms] = [percentile(latencies, 0.5), percentile(latencies, 0.95)]
        rows.push({
          signers,
          inFlight,
          sessions: latencies.length,
          p50Ms,
          p95Ms,
          perSecond: (1000 * latencies.length) / busyMs,
        })
      })
    }
    return rows
  } finally {
    for (const device of devices) device.close()
    coordinator.close()
    await host.close()
    await stack.close()
  }
}

/** One 2-of-3 key signed by device and server or by both devices, and one whose signatures are the floor. */
async function makeGroups(
  stack: Stack,
  host: ExecutionHost,
  devices: Device[],
  open: OpenSession,
): Promise<readonly Group[]> {
  const shares: Uint8Array[] = []
  let privateKey: Uint8Array | undefined
  const key = () => (privateKey ??= combine(shares))
  const server = { partyId: 'server', deviceType: 'server', deviceId: 'server_001' }
  const real = await makeKey(stack, host, devices, open, [...twoDevices('real'), server])
  const floorHost = createFloorHost(recordingShares(host, shares), key)
  const floor = await makeKey(stack, floorHost, devices, open, twoDevices('floor'))
  const deviceParticipants = real.participants.slice(0, 2)
  return [
    {
      signers: 'device + server',
      ...real,
      participants: [...deviceParticipants.slice(0, 1), server],
      locals: real.locals.slice(0, 1),
    },
    { signers: 'two devices', ...real, participants: deviceParticipants },
    { signers: 'two devices, no cryptography', ...floor },
  ]
}

function twoDevices(kind: string): readonly Participant[] {
  return [1, 2].map((n) => ({ partyId: `${kind}_${n}`, deviceType: 'device', deviceId: `${kind}_device_${n}` }))
}

async function makeKey(
  stack: Stack,
  host: ExecutionHost,
  devices: Device[],
  open: OpenSession,
  participants: readonly Participant[],
): Promise<Omit<Group, 'signers'>> {
  const locals: Local[] = []
  for (const { partyId, deviceType, deviceId } of participants.filter(
    (participant) => participant.deviceType !== 'server',
  )) {
    const device = await openDevice({
      deviceType,
      deviceId,
      folder: join(stack.folder, 'devices', deviceId),
      coordinatorUrl: stack.services['session-coordinator'].grpcUrl,
      routerUrl: stack.services['message-router'].grpcUrl,
      host,
    })
    devices.push(device)
    locals.push({ partyId, device })
  }
  const session = await open({ sessionType: 'keygen', thresholdN: participants.length, thresholdT: 2, participants })
  await takePart(locals, session.joinTokens, approveKeygen())
  return { keyId: session.sessionId, participants, locals }
}

/** Latencies in ms of `count` sessions with at most `inFlight` at once. */
async function runSessions(open: OpenSession, group: Group, count: number, inFlight: number): Promise<number[]> {
  const latencies: number[] = []
  let left = count
  const lane = async () => {
    while (left-- > 0) {
      const messageHash = randomBytes(32)
      const began = performance.now()
      const { keyId, participants } = group
      const session = await open({ sessionType: 'sign', keyId, participants, messageHash: messageHash.toString('hex') })
      await takePart(group.locals, session.joinTokens, approveSigning({ messageHash, keyId }))
      latencies.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return latencies
}

async function takePart(
  locals: readonly Local[],
  tokens: Readonly<Record<string, string>>,
  approve: ReturnType<typeof approveKeygen>,
) {
  const outcomes = await Promise.all(
    locals.map(({ partyId, device }) => device.party.run({ joinToken: tokens[partyId] ?? '', partyId, approve })),
  )
  for (const outcome of outcomes) {
    if (outcome.kind === 'failed') throw new Error(`a benchmark session failed: ${outcome.reason}: ${outcome.detail}`)
  }
}

/** The private key of a 2-of-2 key from both shares: what this project exists to prevent, here for a throw-away key. */
function combine(encoded: readonly Uint8Array[]): Uint8Array {
  const shares = encoded.map(decodeKeyShare)
  const indices = shares.map(({ index }) => index)
  const { multiply, add } = limbEngine.scalars
  return shares
    .map(({ index, secretShare }) => multiply(lagrangeAtZero(limbEngine, index, indices), secretShare))
    .reduce(add, zeroScalar())
}
