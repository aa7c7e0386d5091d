/**
 * The policy of a key: what its owners allow to be signed with it. It is fixed when the key is made; its hash enters
 * the protocol's session id and every approval. Coordinator, parties and auditors read, check and hash it with this
 * code.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import { isIdentityKey } from '../identity/identity-key.ts'
import { statement } from '../identity/statement.ts'

/** In its one canonical form: hex in lower case, approvers, sets and their members in order. Else as the contract. */
export type KeyPolicy = Readonly<{
  approvers: readonly string[]
  requiredApprovals: number
  signerSets: readonly (readonly string[])[]
  /** Unix seconds; 0: no limit. */
  notBefore: number
  notAfter: number
  /** Of each party; 0: no limit. */
  maxSignatures: number
  rateSignatures: number
  rateWindowSeconds: number
}>

export const policyLimits = {
  approvers: 20,
  signerSets: 64,
  /** Year 9999. */
  unixSeconds: 253_402_300_799,
  maxSignatures: 1_000_000_000,
  rateSignatures: 1_000,
  rateWindowSeconds: 2_678_400,
} as const

const formatVersion = 1

/** A field of a policy as requests name it, and what is wrong with it. */
export type PolicyFault = Readonly<{ field: string; problem: string }>

/** Everything that is wrong with the policy of a key of these parties; fields by their place in `policy` as given. */
export function policyFaults(
  policy: KeyPolicy,
  group: Readonly<{ partyIds: readonly string[]; thresholdT: number }>,
): readonly PolicyFault[] {
  return [...standaloneFaults(policy), ...signerSetFaults(policy, group)]
}

/** What is wrong with it whoever the parties of the key are. */
export function standaloneFaults(policy: KeyPolicy): readonly PolicyFault[] {
  return [...approverFaults(policy), ...limitFaults(policy)]
}

/** The same policy in its canonical form. */
export function canonicalPolicy(policy: KeyPolicy): KeyPolicy {
  const sets = policy.signerSets.map(sorted)
  return {
    ...policy,
    approvers: sorted(policy.approvers.map((approver) => approver.toLowerCase())),
    signerSets: sets.sort((a, b) => compare(a.join(), b.join())), // ids have no commas
  }
}

/** 32 bytes; empty for a key without a policy. `policy` is canonical and has no faults. */
export function policyHash(policy: KeyPolicy | null): Uint8Array<ArrayBuffer> {
  if (policy === null) return new Uint8Array(0)
  const { approvers, requiredApprovals, signerSets, notBefore, notAfter } = policy
  const { maxSignatures, rateSignatures, rateWindowSeconds } = policy
  const parts = [
    formatVersion,
    requiredApprovals,
    approvers.length,
    ...approvers.map((approver) => hexToBytes(approver)),
    signerSets.length,
    ...signerSets.flatMap((set) => [set.length, ...set]),
    ...[notBefore, notAfter, maxSignatures, rateSignatures, rateWindowSeconds],
  ]
  return Uint8Array.from(sha256(statement('keyPolicy', parts)))
}

export function samePolicy(a: KeyPolicy | null, b: KeyPolicy | null): boolean {
  // One canonical form, one spelling.
  return JSON.stringify(spelled(a)) === JSON.stringify(spelled(b))
}

/** In the order of their bytes: ids and hex are ASCII. */
export function sorted(texts: readonly string[]): readonly string[] {
  return [...texts].sort(compare)
}

function approverFaults({ approvers, requiredApprovals }: KeyPolicy): readonly PolicyFault[] {
  const faults: PolicyFault[] = []
  if (!isWithin(approvers.length, 1, policyLimits.approvers)) {
    faults.push({ field: 'approvers', problem: `must be 1 to ${policyLimits.approvers}` })
  }
  const seen = new Set<string>()
  for (const [index, approver] of approvers.entries()) {
    const field = `approvers[${index}]`
    if (!/^[0-9A-Fa-f]{64}$/.test(approver)) faults.push({ field, problem: 'must be 64 hex digits' })
    else if (!isIdentityKey(hexToBytes(approver))) faults.push({ field, problem: 'is not an Ed25519 public key' })
    if (seen.has(approver.toLowerCase())) faults.push({ field, problem: 'named twice' })
    seen.add(approver.toLowerCase())
  }
  if (!isWithin(requiredApprovals, 1, approvers.length)) {
    faults.push({ field: 'required_approvals', problem: 'must be from 1 to the number of approvers' })
  }
  return faults
}

function signerSetFaults(
  { signerSets }: KeyPolicy,
  { partyIds, thresholdT }: Readonly<{ partyIds: readonly string[]; thresholdT: number }>,
): readonly PolicyFault[] {
  if (signerSets.length > policyLimits.signerSets) {
    return [{ field: 'signer_sets', problem: `must be at most ${policyLimits.signerSets}` }]
  }
  const seen = new Set<string>()
  return signerSets.flatMap((set, index) => {
    const field = `signer_sets[${index}].party_ids`
    const stranger = set.findIndex((partyId) => !partyIds.includes(partyId))
    if (stranger >= 0) return [{ field: `${field}[${stranger}]`, problem: 'is not one of the participants' }]
    const repeated = set.findIndex((partyId, place) => set.indexOf(partyId) !== place)
    if (repeated >= 0) return [{ field: `${field}[${repeated}]`, problem: 'named twice' }]
    if (set.length < thresholdT) return [{ field, problem: `must be at least threshold_t, ${thresholdT}` }]
    const spelling = sorted(set).join()
    if (seen.has(spelling)) return [{ field, problem: 'the same set twice' }]
    seen.add(spelling)
    return []
  })
}

function limitFaults(policy: KeyPolicy): readonly PolicyFault[] {
  const { notBefore, notAfter, maxSignatures, rateSignatures, rateWindowSeconds } = policy
  const bounds: readonly (readonly [string, number, number])[] = [
    ['not_before', notBefore, policyLimits.unixSeconds],
    ['not_after', notAfter, policyLimits.unixSeconds],
    ['max_signatures', maxSignatures, policyLimits.maxSignatures],
    ['rate_signatures', rateSignatures, policyLimits.rateSignatures],
    ['rate_window_seconds', rateWindowSeconds, policyLimits.rateWindowSeconds],
  ]
  const faults = bounds
    .filter(([, value, most]) => !isWithin(value, 0, most))
    .map(([field, , most]) => ({ field, problem: `must be a whole number from 0 to ${most}` }))
  if (notAfter !== 0 && notAfter <= notBefore) faults.push({ field: 'not_after', problem: 'must be after not_before' })
  if ((rateSignatures === 0) !== (rateWindowSeconds === 0)) {
    faults.push({ field: 'rate_window_seconds', problem: 'goes with rate_signatures: both or neither' })
  }
  return faults
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most
}

function spelled(policy: KeyPolicy | null): readonly unknown[] | null {
  if (policy === null) return null
  const { approvers, requiredApprovals, signerSets, notBefore, notAfter } = policy
  const limits = [notBefore, notAfter, policy.maxSignatures, policy.rateSignatures, policy.rateWindowSeconds]
  return [approvers, requiredApprovals, signerSets, ...limits]
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
