/**
 * What the demo does with a running stack: a 2-of-3 key among a phone, a server and a recovery device, then a signature
 * by every pair of them, each checked by code that is not ours.
 */
import { join } from 'node:path'
import { ethereumAddress } from '../../crypto/public-key.ts'
import { approveKeygen, approveSigning } from '../../party/approval.ts'
import type { ExecutionHost } from '../../party/execution/execution-host.ts'
import type { Approve } from '../../party/session/terms.ts'
import { openDevice, type Device } from '../device.ts'
import type { Stack } from '../stack/stack.ts'
import { accountClient, type MpcSession, type OpenedSession, type Participant } from './account-client.ts'
import type { KeyKind } from './key-kinds.ts'
import type { Narrator } from './narrator.ts'
import type { DemoResult, SignatureResult } from './result.ts'
import { makeOwner } from './owner.ts'
import { RoundLog } from './round-log.ts'

const user: Participant = { party_id: 'user_device', device_type: 'iOS', device_id: 'iphone_001' }
const server: Participant = { party_id: 'server_party', device_type: 'server', device_id: 'server_001' }
const recovery: Participant = { party_id: 'recovery_party', device_type: 'recovery', device_id: 'recovery_001' }

const pairs: readonly (readonly Participant[])[] = [
  [user, server],
  [user, recovery],
  [server, recovery],
]

/** Throws Error with the reason when any step does not end as it must. */
export async function runScenario(
  stack: Stack,
  host: ExecutionHost,
  narrator: Narrator,
  kind: KeyKind,
): Promise<DemoResult> {
  const { keyType, toSign, verdict } = kind
  const devices = new Map<string, Device>()
  try {
    for (const participant of [user, recovery]) {
      devices.set(participant.party_id, await openDeviceOf(participant, stack, host))
    }
    const accounts = accountClient(stack.services['account-service'].httpUrl)
    const everyone = [user, server, recovery]
    const locals = (participants: readonly Participant[]) =>
      participants.filter(({ party_id }) => devices.has(party_id))

    const owner = await makeOwner()
    const opened = await accounts.createKeygen(2, 3, everyone, keyType, owner.policyBody)
    const identities = await identitiesOf(devices, stack)
    narrator.keygenOpened(opened.session_id, keyType, everyone, identities, owner.publicKey)
    const approveKey = approveKeygen({ thresholdT: 2, thresholdN: 3, keyType, identities, policy: owner.policy })
    const keygen = await takePart(devices, locals(everyone), opened, approveKey)
    const publicKey = required(
      (await accounts.session(opened.session_id)).public_key,
      'the session shows no public key',
    )
    const address = keyType === 'ecdsa-secp256k1' ? ethereumAddress(compressed(publicKey)) : undefined
    narrator.keyMade(keygen.rounds, publicKey, address, keygen.ms)

    const account = await accounts.createAccount('alice', 'alice@example.com', publicKey)
    narrator.accountCreated(account.id, toSign)

    const signatures: SignatureResult[] = []
    const signingMs: number[] = []
    const keyId = opened.session_id
    const approve = approveSigning({ ...kind.expected, keyId })
    const message = 'message' in kind.expected ? kind.expected.message : kind.expected.messageHash
    for (const pair of pairs) {
      const signers = pair.map(({ party_id }) => party_id)
      const approval = await owner.approve({ keyId, keyType, publicKey, message, participants: signers })
      const session = await accounts.createSigning(account.id, toSign, pair, [approval])
      const run = await takePart(devices, locals(pair), session, approve)
      const signed = checkedSignature(await accounts.session(session.session_id), publicKey, signers, kind)
      narrator.signed(session.session_id, signed, run.rounds, run.ms, verdict)
      signatures.push(signed)
      signingMs.push(run.ms)
    }
    const timings = { keygen: keygen.ms, signatures: signingMs }
    const key = { key_type: keyType, public_key: publicKey, ...(address !== undefined && { address }) }
    return { ...key, policy: owner.policyBody, ...toSign, signatures, timings_ms: timings }
  } finally {
    for (const device of devices.values()) device.close()
  }
}

function openDeviceOf(participant: Participant, stack: Stack, host: ExecutionHost): Promise<Device> {
  return openDevice({
    deviceType: participant.device_type,
    deviceId: participant.device_id,
    folder: join(stack.folder, 'devices', participant.party_id),
    coordinatorUrl: stack.services['session-coordinator'].grpcUrl,
    routerUrl: stack.services['message-router'].grpcUrl,
    host,
  })
}

/**
 * What people compare before they make a key: the identity that each party itself shows, not the coordinator's word.
 */
async function identitiesOf(
  devices: ReadonlyMap<string, Device>,
  stack: Stack,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const response = await fetch(`${stack.services['server-party-1'].httpUrl}/api/v1/party`)
  const shown = (await response.json()) as Readonly<{ identity_key: string }> // GetPartyResponse
  const own = [...devices].map(([partyId, device]) => [partyId, device.identityKey] as const)
  return new Map([...own, [server.party_id, Buffer.from(shown.identity_key, 'hex')] as const])
}

/** The given participants, who are devices of ours, go through the session. Server parties join by themselves. */
async function takePart(
  devices: ReadonlyMap<string, Device>,
  locals: readonly Participant[],
  session: OpenedSession,
  approve: Approve,
) {
  const rounds = new RoundLog(locals.map(({ party_id }) => party_id))
  const began = performance.now()
  const outcomes = await Promise.all(
    locals.map(({ party_id }) => {
      const device = required(devices.get(party_id), `${party_id} is not a device of ours`)
      const joinToken = required(session.join_tokens[party_id], `there is no join token for ${party_id}`)
      return device.party.run({ joinToken, partyId: party_id, approve, onProgress: rounds.observe })
    }),
  )
  const ms = Math.round(performance.now() - began)
  for (const outcome of outcomes) {
    if (outcome.kind === 'failed')
      throw new Error(`session ${session.session_id}: ${outcome.reason}: ${outcome.detail}`)
  }
  return { ms, rounds: rounds.lines() }
}

function checkedSignature(
  session: MpcSession,
  publicKey: string,
  signers: readonly string[],
  kind: KeyKind,
): SignatureResult {
  const signature = required(session.signature, `the session is ${session.status} and shows no signature`)
  kind.check(session, signature, publicKey)
  const recoveryId = session.recovery_id
  return { signers, signature, ...(recoveryId !== undefined && { recovery_id: recoveryId }) }
}

/** 33 bytes from the documented 65 as hex. */
function compressed(publicKey: string): Uint8Array {
  const bytes = Buffer.from(publicKey, 'hex')
  const yIsOdd = bytes.at(-1) ?? 0
  return Uint8Array.of(2 + (yIsOdd & 1), ...bytes.subarray(1, 33))
}

function required<T>(value: T | undefined, problem: string): T {
  if (value === undefined) throw new Error(problem)
  return value
}
