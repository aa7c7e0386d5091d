import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { bytesToHex } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import { KeyPolicySchema } from '../../../src/gen/mpc/policy/v1/key_policy_pb.ts'
import {
  canonicalPolicy,
  policyFaults,
  policyHash,
  samePolicy,
  type KeyPolicy,
} from '../../../src/policy/key-policy.ts'
import { policyMessage, readPolicy } from '../../../src/policy/wire.ts'
import { alice, bob, hexOf, mallory, policy } from './fixtures.ts'

const group = { partyIds: ['device', 'server', 'recovery'], thresholdT: 2 }
const full = policy({
  requiredApprovals: 2,
  signerSets: [
    ['device', 'server'],
    ['device', 'recovery'],
  ],
  notBefore: 1_000,
  notAfter: 2_000,
  maxSignatures: 100,
  rateSignatures: 5,
  rateWindowSeconds: 3_600,
})
const hash = (of: KeyPolicy) => bytesToHex(policyHash(canonicalPolicy(of)))

describe('the hash of a policy', () => {
  const changes: Readonly<Record<keyof KeyPolicy, Partial<KeyPolicy>>> = {
    approvers: { approvers: [hexOf(alice), hexOf(mallory)] },
    requiredApprovals: { requiredApprovals: 1 },
    signerSets: { signerSets: [['device', 'server']] },
    notBefore: { notBefore: 1_001 },
    notAfter: { notAfter: 2_001 },
    maxSignatures: { maxSignatures: 101 },
    rateSignatures: { rateSignatures: 6 },
    rateWindowSeconds: { rateWindowSeconds: 3_601 },
  }
  test.each(Object.entries(changes))('depends on its %s', (_field, change) => {
    expect(hash({ ...full, ...change })).not.toBe(hash(full))
    expect(samePolicy({ ...full, ...change }, full)).toBe(false)
  })

  test('does not depend on the order or the case in which it was written', () => {
    const written = {
      ...full,
      approvers: [...full.approvers].reverse().map((approver) => approver.toUpperCase()),
      signerSets: [...full.signerSets].reverse().map((set) => [...set].reverse()),
    }
    expect(hash(written)).toBe(hash(full))
    expect(samePolicy(canonicalPolicy(written), full)).toBe(true)
  })

  test('tells a member of one set from a member of the next', () => {
    const sets = (...signerSets: string[][]) => hash({ ...full, signerSets })
    expect(sets(['a', 'b', 'c'], ['d', 'e'])).not.toBe(sets(['a', 'b'], ['c', 'd', 'e']))
  })

  test('is empty without a policy, and no policy is not the same as any', () => {
    expect(policyHash(null)).toHaveLength(0)
    expect(samePolicy(null, null)).toBe(true)
    expect(samePolicy(null, full)).toBe(false)
  })

  test('survives the wire', () => {
    const bytes = toBinary(KeyPolicySchema, policyMessage(full))
    expect(hash(readPolicy(fromBinary(KeyPolicySchema, bytes)))).toBe(hash(full))
  })
})

test('a sound policy has no faults', () => {
  expect(policyFaults(full, group)).toEqual([])
  expect(policyFaults(policy(), group)).toEqual([])
})

test.each<[string, Partial<KeyPolicy>]>([
  ['approvers', { approvers: [], requiredApprovals: 1 }],
  ['approvers', { approvers: Array.from({ length: 21 }, () => hexOf(alice)) }],
  ['approvers[1]', { approvers: [hexOf(alice), 'ab'] }],
  // Order 1: it would take anybody's signature for its own.
  ['approvers[1]', { approvers: [hexOf(alice), `01${'00'.repeat(31)}`] }],
  ['approvers[1]', { approvers: [hexOf(alice), hexOf(alice).toUpperCase()] }],
  ['required_approvals', { requiredApprovals: 0 }],
  ['required_approvals', { requiredApprovals: 3 }],
  ['signer_sets', { signerSets: Array.from({ length: 65 }, () => ['device', 'server']) }],
  ['signer_sets[0].party_ids[1]', { signerSets: [['device', 'stranger']] }],
  ['signer_sets[0].party_ids[1]', { signerSets: [['device', 'device']] }],
  ['signer_sets[1].party_ids', { signerSets: [['device', 'server'], ['device']] }],
  ['signer_sets[1].party_ids', { signerSets: [['device', 'server'], ['server', 'device']] }],
  ['not_before', { notBefore: -1 }],
  ['not_before', { notBefore: 2 ** 60 }],
  ['not_after', { notBefore: 10, notAfter: 10 }],
  ['max_signatures', { maxSignatures: 1.5 }],
  ['rate_signatures', { rateSignatures: 1_001, rateWindowSeconds: 1 }],
  ['rate_window_seconds', { rateSignatures: 1 }],
  ['rate_window_seconds', { rateSignatures: 1, rateWindowSeconds: 2_678_401 }],
])('a fault is found in %s', (field, change) => {
  // As written: a canonical form has no order of its own to be wrong in.
  const written: KeyPolicy = { ...policy(), approvers: [hexOf(alice), hexOf(bob)], ...change }
  expect(policyFaults(written, group).map((fault) => fault.field)).toContain(field)
})
