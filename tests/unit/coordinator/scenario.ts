/** given / when / then for the session's decider, and the events and commands that tests build on. */
import { create } from '@bufbuild/protobuf'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import type { CreateSession, Invited, JoinSession, ReportResult } from '../../../src/coordinator/decide/command.ts'
import type { Command } from '../../../src/coordinator/decide/command.ts'
import { decide } from '../../../src/coordinator/decide/decide.ts'
import { evolve, initialState, type SessionState } from '../../../src/coordinator/session-state.ts'
import { Refusal } from '../../../src/edge/refusal.ts'
import type { SessionPayload } from '../../../src/events/session-event.ts'
import { JoinedKeysSchema, type JoinedKeys } from '../../../src/gen/mpc/events/v1/session_events_pb.ts'

export const startMs = 1_700_000_000_000
const nothing = new Uint8Array(0)

export const keyPair = {
  secret: new Uint8Array(32).fill(1),
  publicKey: secp256k1.getPublicKey(new Uint8Array(32).fill(1), true),
}
export const otherPublicKey = secp256k1.getPublicKey(new Uint8Array(32).fill(2), true)
export const messageHash = sha256(utf8ToBytes('the message'))

export type Outcome = Readonly<{ state: SessionState; events: readonly SessionPayload[]; refusal: Refusal | null }>

/** Carries out one command on the state that earlier commands left. */
export function when(state: SessionState, command: Command, actor = 'caller:test'): Outcome {
  const { events, refusal } = decide(state, command, actor)
  const payloads = events.map(({ payload }) => payload)
  if (refusal !== null && !(refusal instanceof Refusal)) throw refusal
  return { state: payloads.reduce(evolve, state), events: payloads, refusal }
}

/** The state after commands of which none is refused. */
export function given(...commands: readonly Command[]): SessionState {
  return commands.reduce((state, command) => {
    const outcome = when(state, command)
    if (outcome.refusal !== null) throw outcome.refusal
    return outcome.state
  }, initialState)
}

export function kinds(outcome: Outcome): readonly (string | undefined)[] {
  return outcome.events.map((event) => event.case)
}

export function tokenHash(partyId: string): Uint8Array {
  return sha256(utf8ToBytes(`token of ${partyId}`))
}

export function invited(partyId: string, change: Partial<Invited> = {}): Invited {
  const device = { deviceType: '', deviceId: '' }
  const open = { sealedJoinToken: nothing, expectedIdentityKey: nothing }
  return { partyId, ...device, joinTokenHash: tokenHash(partyId), ...open, ...change }
}

export function keygen(change: Partial<CreateSession> = {}): CreateSession {
  return {
    type: 'create',
    requestHash: new Uint8Array(0),
    nowMs: startMs,
    sessionType: 'keygen',
    thresholdT: 2,
    thresholdN: 2,
    participants: [invited('alice'), invited('bob')],
    keyType: '',
    messageHash: '',
    message: nothing,
    expiresInSeconds: 0,
    key: null,
    policy: null,
    approvals: [],
    verdict: null,
    ...change,
  }
}

export function signing(change: Partial<CreateSession> = {}): CreateSession {
  const members = ['alice', 'bob', 'carol'].map((partyId) => ({
    partyId,
    deviceType: '',
    deviceId: '',
    identityKey: nothing,
  }))
  const keyType = 'ecdsa-secp256k1' as const
  const key = { keyId: 'key-1', keyType, publicKey: keyPair.publicKey, thresholdT: 2, thresholdN: 3, policy: null, members }
  const hash = Buffer.from(messageHash).toString('hex')
  return keygen({ sessionType: 'sign', thresholdT: 0, thresholdN: 0, messageHash: hash, key, ...change })
}

export function keysOf(name: string): JoinedKeys {
  const part = (label: string) => sha256(utf8ToBytes(`${label} of ${name}`))
  return create(JoinedKeysSchema, {
    identityKey: part('identity'),
    ephemeralKey: part('ephemeral'),
    nonce: part('nonce'),
    signature: new Uint8Array(64),
  })
}

export function join(partyId: string, change: Partial<JoinSession> = {}): JoinSession {
  return {
    type: 'join',
    nowMs: startMs + 1000,
    partyId,
    deviceType: 'iOS',
    deviceId: `device-of-${partyId}`,
    tokenHash: tokenHash(partyId),
    keys: keysOf(partyId),
    credentialHash: sha256(utf8ToBytes(`credential of ${partyId}`)),
    ...change,
  }
}

export const ready = (partyId: string): Command => ({ type: 'ready', nowMs: startMs + 2000, partyId })
export const start: Command = { type: 'start', nowMs: startMs + 3000 }
export const close: Command = { type: 'close', nowMs: startMs + 4000 }
export const later: Command = { type: 'settle', nowMs: startMs + 86_400_001 }

export function fail(partyId: string, reason = '', culprits: readonly string[] = []): Command {
  return { type: 'fail', nowMs: startMs + 4000, partyId, reason, culprits }
}

export function madeKey(partyId: string, publicKey = keyPair.publicKey): ReportResult {
  const nowMs = startMs + 4000
  const vouched = { resultSignature: nothing, witness: null }
  return { type: 'complete', nowMs, partyId, publicKey, signature: null, recoveryId: 0, ...vouched }
}

/** A report of a real signature over `hash`; the session's own by default. */
export function signed(partyId: string, hash = messageHash, change: Partial<ReportResult> = {}): ReportResult {
  const recovered = secp256k1.sign(hash, keyPair.secret, { prehash: false, format: 'recovered' })
  const signature = recovered.slice(1)
  return { ...madeKey(partyId), publicKey: null, signature, recoveryId: recovered[0] ?? 0, ...change }
}

export const bothJoined = [join('alice'), join('bob')]
export const started = [...bothJoined, ready('alice'), ready('bob'), start]
