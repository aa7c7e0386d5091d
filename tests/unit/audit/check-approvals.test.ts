/** Completed sign sessions of a key with a policy, of parties with a protocol of their own: everything but approvals fits. */
import { create } from '@bufbuild/protobuf'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { expect, test } from 'vitest'
import { checkLog } from '../../../src/audit/check-log.ts'
import { checkSession, type SessionReport } from '../../../src/audit/check-session.ts'
import type { AuditSource, SessionRecords } from '../../../src/audit/records.ts'
import type { KeyFacts } from '../../../src/audit/session-facts.ts'
import { emptyChain, encodeEvent, type SessionPayload } from '../../../src/events/session-event.ts'
import { sessionSubject } from '../../../src/events/subjects.ts'
import {
  PartyCompletedSchema,
  PartyJoinedSchema,
  PartyReadySchema,
  SessionCompletedSchema,
  SessionCreatedSchema,
  SessionFailedSchema,
  SessionStartedSchema,
} from '../../../src/gen/mpc/events/v1/session_events_pb.ts'
import type { Approval, SigningSubject } from '../../../src/policy/approval.ts'
import type { KeyPolicy } from '../../../src/policy/key-policy.ts'
import { approvalMessage, policyMessage } from '../../../src/policy/wire.ts'
import { alice, approvalBy, bob, mallory, nowSeconds, policy } from '../policy/fixtures.ts'

const secret = new Uint8Array(32).fill(1)
const messageHash = sha256(utf8ToBytes('the message'))
const signers = ['alice', 'bob']
const subject: SigningSubject = {
  keyId: 'key-1',
  publicKey: secp256k1.getPublicKey(secret),
  keyType: 'ecdsa-secp256k1',
  derivationPath: '',
  message: messageHash,
  participants: signers,
}
const key: KeyFacts = {
  keyId: 'key-1',
  keyType: 'ecdsa-secp256k1',
  publicKey: subject.publicKey,
  thresholdT: 2,
  thresholdN: 3,
  policy: policy(),
  members: ['alice', 'bob', 'carol'].map((partyId) => ({ partyId, identityKey: new Uint8Array(0) })),
  frost: null,
}
const [recoveryId = 0, ...rs] = secp256k1.sign(messageHash, secret, { prehash: false, format: 'recovered' })
const result = { signature: Uint8Array.from(rs), recoveryId }

function sessionWith(
  approvals: readonly Approval[],
  { sessionId = 's1', stated = policy(), ends = 'completed', first = 1 }: Options = {},
): SessionRecords {
  const forAll = (event: (partyId: string) => SessionPayload) =>
    signers.map((partyId) => ({ actor: `party:${partyId}`, payload: event(partyId) }))
  const created = create(SessionCreatedSchema, {
    sessionType: 'sign',
    thresholdT: 2,
    thresholdN: 3,
    participants: signers.map((partyId) => ({ partyId, joinTokenHash: sha256(utf8ToBytes(partyId)) })),
    expiresAtMs: BigInt(nowSeconds * 1_000 + 300_000),
    messageHash,
    keyId: 'key-1',
    publicKey: subject.publicKey,
    keyType: 'ecdsa-secp256k1',
    approvals: approvals.map(approvalMessage),
    ...(stated !== null && { policy: policyMessage(stated) }),
  })
  const value = create(PartyJoinedSchema, {})
  const events: { actor: string; payload: SessionPayload }[] = [
    { actor: 'caller:test', payload: { case: 'sessionCreated', value: created } },
    ...forAll((partyId) => ({ case: 'partyJoined', value: { ...value, partyId, credentialHash: new Uint8Array(32) } })),
    ...forAll((partyId) => ({ case: 'partyReady', value: create(PartyReadySchema, { partyId }) })),
    { actor: 'caller:test', payload: { case: 'sessionStarted', value: create(SessionStartedSchema) } },
    ...(ends === 'completed'
      ? [
          ...forAll((partyId) => ({
            case: 'partyCompleted',
            value: create(PartyCompletedSchema, { partyId, ...result }),
          })),
          {
            actor: 'coordinator',
            payload: { case: 'sessionCompleted', value: create(SessionCompletedSchema, result) } as const,
          },
        ]
      : [
          {
            actor: 'party:bob',
            payload: {
              case: 'sessionFailed',
              value: create(SessionFailedSchema, { reason: 'approval_replayed', reportedBy: 'bob' }),
            } as const,
          },
        ]),
  ]
  let head = emptyChain
  const lifecycle = events.map(({ actor, payload }, index) => {
    const context = { actor, causationId: '', correlationId: '', timeMs: nowSeconds * 1_000 + index }
    const { bytes, next } = encodeEvent(sessionId, head, payload, context)
    head = next
    return { stream: 'SESSIONS', sequence: first + index, subject: sessionSubject(sessionId), data: bytes } as const
  })
  return { sessionId, lifecycle, messages: [] }
}

type Options = { sessionId?: string; stated?: KeyPolicy | null; ends?: 'completed' | 'failed'; first?: number }

const check = (records: SessionRecords) => checkSession(records, { keyOf: () => key, expectedHead: null })
const reasonsOf = ({ findings }: SessionReport) => findings.map(({ kind, reason }) => `${kind}: ${reason}`)

test('a session that was approved as the policy asks is intact', async () => {
  expect(reasonsOf(await check(sessionWith([await approvalBy(alice, subject)])))).toEqual([])
})

test('clocks may differ by a minute', async () => {
  const late = await approvalBy(alice, subject, policy(), { expiresAt: nowSeconds - 59 })
  expect(reasonsOf(await check(sessionWith([late])))).toEqual([])
  const tooLate = await approvalBy(alice, subject, policy(), { expiresAt: nowSeconds - 60 })
  expect((await check(sessionWith([tooLate]))).verdict).toBe('tampered')
})

test.each<[string, readonly Approval[]]>([
  ['approvals: 0 of 1 required', []],
  ['approvals[0].approver: is not one of the approvers', [await approvalBy(mallory, subject)]],
  ['approvals[0].signature: ', [await approvalBy(alice, { ...subject, keyId: 'key-2' })]],
])('a session that completed against the policy is reported: %s', async (problem, approvals) => {
  const report = await check(sessionWith(approvals))
  expect(report.verdict).toBe('tampered')
  expect(reasonsOf(report)[0]).toContain(`it was signed against the policy of the key: ${problem}`)
})

test('a session that failed was signed by nobody', async () => {
  expect(reasonsOf(await check(sessionWith([], { ends: 'failed' })))).toEqual([])
})

test.each<[string, KeyPolicy | null]>([
  ['no policy', null],
  ['a milder policy', policy({ maxSignatures: 9 })],
])('a session that states %s is not one of the key', async (_what, stated) => {
  const report = await check(sessionWith([], { stated, ends: 'failed' }))
  expect(reasonsOf(report)).toEqual(['tampered: it states another policy than session key-1 fixed'])
})

test('an approval that two completed sessions have spent is reported', async () => {
  const approval = await approvalBy(alice, subject)
  const source = (...sessions: readonly SessionRecords[]): AuditSource => ({
    complete: false,
    extent: { SESSIONS: 100, MESSAGES: 0 },
    takenAtMs: nowSeconds * 1_000,
    checkpoints: [],
    sessions: async function* () {
      yield* sessions
    },
    problems: () => [],
  })
  const once = sessionWith([approval])
  const another = sessionWith([await approvalBy(bob, subject)], { sessionId: 's2', first: 20 })
  const failed = sessionWith([approval], { sessionId: 's3', first: 40, ends: 'failed' })
  expect(await checkLog(source(once, another, failed))).toMatchObject({ verdict: 'intact' })
  const again = sessionWith([approval], { sessionId: 's4', first: 60 })
  const report = await checkLog(source(once, another, failed, again))
  expect(report.verdict).toBe('tampered')
  expect(report.findings).toMatchObject([
    { sessionId: 's4', reason: 'one of its approvals has counted for session s1 already' },
  ])
})

test('a policy that cannot be one is no policy of a session', async () => {
  const broken = { ...policy(), approvers: ['no key'] }
  const report = await check(sessionWith([], { stated: broken, ends: 'failed' }))
  expect(reasonsOf(report)).toContain('tampered: the policy is not sound')
})
