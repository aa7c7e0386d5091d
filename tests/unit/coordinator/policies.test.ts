/** Policies and approvals as the coordinator takes them: kept, shown, and refused early where they cannot do. */
import { create } from '@bufbuild/protobuf'
import { bytesToHex } from '@noble/hashes/utils.js'
import { expect, test } from 'vitest'
import type { CreateSession, KeyGroup } from '../../../src/coordinator/decide/command.ts'
import { verdictOn } from '../../../src/coordinator/policies.ts'
import { evolve, initialState, type SessionState } from '../../../src/coordinator/session-state.ts'
import { snapshot } from '../../../src/coordinator/snapshot.ts'
import { CreateSessionRequestSchema } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionCreatedSchema } from '../../../src/gen/mpc/events/v1/session_events_pb.ts'
import type { SigningSubject } from '../../../src/policy/approval.ts'
import type { KeyPolicy } from '../../../src/policy/key-policy.ts'
import { approvalMessage, readPolicy } from '../../../src/policy/wire.ts'
import { alice, approvalBy, bob, hexOf, mallory, policy } from '../policy/fixtures.ts'
import { given, keygen, keyPair, messageHash, signing, startMs, when } from './scenario.ts'

const written: KeyPolicy = { ...policy(), approvers: [hexOf(bob).toUpperCase(), hexOf(alice)] }
const subject: SigningSubject = {
  keyId: 'key-1',
  publicKey: keyPair.publicKey,
  keyType: 'ecdsa-secp256k1',
  derivationPath: '',
  message: messageHash,
  participants: ['alice', 'bob'],
}
const group = (under: KeyPolicy | null): KeyGroup | null => {
  const { key } = signing()
  return key && { ...key, policy: under }
}

/** As the service asks for a session that signs with this key and these approvals. */
async function signingWith(under: KeyPolicy | null, approvals: CreateSession['approvals']): Promise<CreateSession> {
  const request = create(CreateSessionRequestSchema, {
    messageHash: bytesToHex(messageHash),
    participants: subject.participants.map((partyId) => ({ partyId })),
    approvals: approvals.map(approvalMessage),
  })
  const verdict = await verdictOn(group(under), request, startMs)
  return signing({ key: group(under), approvals, verdict })
}

const loaded = (state: SessionState) => {
  const head = { version: 1, hash: new Uint8Array(32) }
  return { state, head, hashes: new Uint8Array(32), sequence: 1 }
}

test('the policy of a key is kept in its canonical form and shown', () => {
  const state = given(keygen({ policy: written }))
  expect(state.policy).toEqual(policy())
  const shown = snapshot('session', loaded(state))
  expect(shown.policy && readPolicy(shown.policy)).toEqual(policy())
})

test('a sign session repeats the policy of its key, and keeps the approvals', async () => {
  const approval = await approvalBy(alice, subject)
  const state = given(await signingWith(policy(), [approval]))
  expect(state).toMatchObject({ policy: policy(), approvals: [approval] })
  const shown = snapshot('session', loaded(state))
  expect(shown.approvals).toEqual([approvalMessage(approval)])
})

test.each<[string, Partial<KeyPolicy>]>([
  ['policy.approvers[1]', { approvers: [hexOf(alice), hexOf(alice)] }],
  ['policy.required_approvals', { requiredApprovals: 3 }],
  ['policy.signer_sets[0].party_ids[1]', { signerSets: [['alice', 'mallory']] }],
  ['policy.signer_sets[0].party_ids', { signerSets: [['alice']] }],
  ['policy.not_after', { notBefore: 5, notAfter: 4 }],
  ['policy.rate_window_seconds', { rateSignatures: 5 }],
])('a policy that is no good is refused naming %s', (field, change) => {
  const { refusal, events } = when(initialState, keygen({ policy: { ...written, ...change } }))
  expect(refusal).toMatchObject({ code: 'invalid_request', details: { [field]: expect.any(String) } })
  expect(events).toEqual([])
})

test('a sign session without enough good approvals is refused, naming them', async () => {
  const refusalOf = async (approvals: CreateSession['approvals'], under = policy()) =>
    when(initialState, await signingWith(under, approvals)).refusal
  const forbidden = (field: string) => ({ code: 'forbidden', details: { [field]: expect.any(String) } })
  expect(await refusalOf([])).toMatchObject(forbidden('approvals'))
  expect(await refusalOf([await approvalBy(mallory, subject)])).toMatchObject(forbidden('approvals[0].approver'))
  const other = await approvalBy(alice, { ...subject, keyId: 'key-2' })
  expect(await refusalOf([other])).toMatchObject(forbidden('approvals[0].signature'))
  const others = policy({ signerSets: [['alice', 'carol']] })
  expect(await refusalOf([await approvalBy(alice, subject, others)], others)).toMatchObject(forbidden('participants'))
})

test('policies belong to key generation and approvals to signing with a policy', async () => {
  const approval = await approvalBy(alice, subject)
  expect(when(initialState, signing({ policy: policy() })).refusal?.details).toHaveProperty('policy')
  expect(when(initialState, keygen({ approvals: [approval] })).refusal?.details).toHaveProperty('approvals')
  expect(when(initialState, await signingWith(null, [approval])).refusal?.details).toHaveProperty('approvals')
})

test('a call that is repeated after its approval has expired is answered as the first was', async () => {
  const requestHash = new Uint8Array(32).fill(7)
  const first = { ...(await signingWith(policy(), [await approvalBy(alice, subject)])), requestHash }
  const state = given(first)
  const expired = { kind: 'refused', reason: 'approval_expired', field: 'approvals', problem: 'late' } as const
  expect(when(state, { ...first, verdict: expired })).toMatchObject({ refusal: null, events: [] })
  expect(when(initialState, { ...first, verdict: expired }).refusal).toMatchObject({ code: 'forbidden' })
})

test('an event from before there were policies is one of a key without', () => {
  const value = create(SessionCreatedSchema, { sessionType: 'sign', keyId: 'key-1' })
  const state = evolve(initialState, { case: 'sessionCreated', value })
  expect(state).toMatchObject({ policy: null, approvals: [] })
})
