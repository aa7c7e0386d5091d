/** Lies of a coordinator about the policy of a key, and about what the key's owner has approved. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { allowAllSigning, approveByPolicy } from '../../src/party/approval.ts'
import type { FailureReason } from '../../src/party/failure.ts'
import type { Approval } from '../../src/policy/approval.ts'
import { canonicalPolicy, type KeyPolicy } from '../../src/policy/key-policy.ts'
import { approvalMessage, policyMessage } from '../../src/policy/wire.ts'
import { approval, policy, stranger, type ApprovalChange } from './approvals.ts'
import { group } from './arena.ts'
import { showing, type Change } from './coordinator-view.ts'
import type { Lie, Scene } from './lie.ts'

const signers = ['alice', 'bob']
const strangerHex = bytesToHex(stranger.publicKey)
const signing = { session: 'sign', keyType: 'eddsa-ed25519', parties: signers, policy } as const
const making = { session: 'keygen', keyType: 'eddsa-ed25519', parties: group, policy } as const
const whoIsTold = [
  ['alice', ['alice']],
  ['everyone', group],
] as const

const shown = (changed: KeyPolicy): Change => {
  const message = policyMessage(canonicalPolicy(changed))
  return () => ({ policy: message })
}
const withStranger = { ...policy, approvers: [...policy.approvers, strangerHex] }

/** The field left out, which is how the contract says that there is no policy. */
const stripped: Lie['tell'] = (scene) => {
  scene.hooks.show = (_partyId, session) => {
    const { policy: left, ...rest } = session
    if (left !== undefined) scene.lied()
    return [rest]
  }
}
const strippedFor =
  (who: readonly string[]): Lie['tell'] =>
  async (scene) => {
    await stripped(scene)
    const strip = scene.hooks.show
    scene.hooks.show = (partyId, session) =>
      who.includes(partyId) ? (strip?.(partyId, session) ?? [session]) : [session]
  }

const policyRows: readonly (readonly [string, (who: readonly string[]) => Lie['tell']])[] = [
  ['none', strippedFor],
  ['the coordinator for its approver', (who) => showing(who, 'always', shown({ ...policy, approvers: [strangerHex] }))],
  ['an approver more', (who) => showing(who, 'always', shown(withStranger))],
  [
    'no approval needed',
    (who) => showing(who, 'always', shown({ ...policy, approvers: [], requiredApprovals: 0, maxSignatures: 9 })),
  ],
  ['an end in the year 9999', (who) => showing(who, 'always', shown({ ...policy, notAfter: 253_370_764_800 }))],
]

const otherPolicies: readonly Lie[] = whoIsTold.flatMap(([told, who]) =>
  policyRows.flatMap(([name, tell]): readonly Lie[] => [
    { ...making, step: `policy shown to ${told}`, name, end: ['terms_unexpected'], tell: tell(who) },
    { ...signing, step: `policy shown to ${told}`, name, end: ['key_mismatch'], tell: tell(who) },
  ]),
)

/** Devices that take any policy: what they were told differs, so they are not in one session. */
const split: Lie = {
  ...making,
  step: 'policy',
  name: 'another for each party, and all of them take it',
  approve: () => approveByPolicy(allowAllSigning),
  end: ['proof_invalid', 'decryption_failed', 'envelope_invalid', 'round_timed_out'] as FailureReason[],
  tell: showing(['alice'], 'always', shown(withStranger)),
}

/** `make` is asked once, before anybody joins. */
function approving(who: readonly string[], make: (scene: Scene) => Promise<readonly Approval[]>): Lie['tell'] {
  return async (scene) => {
    const approvals = (await make(scene)).map(approvalMessage)
    await showing(who, 'always', () => ({ approvals }))(scene)
  }
}
const made = ({ key, parties }: Scene, change: ApprovalChange = {}) => {
  if (key === null) throw new Error('there is no key to approve a signature of')
  return approval(key, parties, change)
}
const changedBy = (change: ApprovalChange) => async (scene: Scene) => [await made(scene, change)]
const editedBy = (edit: (good: Approval) => Partial<Approval>) => async (scene: Scene) => {
  const good = await made(scene)
  return [{ ...good, ...edit(good) }]
}
const other = (hex: string) => `${hex.startsWith('0') ? '1' : '0'}${hex.slice(1)}`

const approvalRows: readonly (readonly [string, (scene: Scene) => Promise<readonly Approval[]>, FailureReason])[] = [
  ['none', async () => [], 'approvals_missing'],
  ['by the coordinator', changedBy({ by: stranger }), 'approval_invalid'],
  [
    "by the coordinator in the owner's name",
    async (scene) => [{ ...(await made(scene, { by: stranger })), approver: policy.approvers[0] ?? '' }],
    'approval_invalid',
  ],
  ["the owner's in another name", editedBy(() => ({ approver: strangerHex })), 'approval_invalid'],
  ['a flipped bit in the signature', editedBy(({ signature }) => ({ signature: other(signature) })), 'approval_invalid'],
  ['no signature', editedBy(() => ({ signature: '' })), 'approval_invalid'],
  ['another nonce', editedBy(({ nonce }) => ({ nonce: other(nonce) })), 'approval_invalid'],
  ['a later expiry', editedBy(({ expiresAt }) => ({ expiresAt: expiresAt + 60 })), 'approval_invalid'],
  ['an expiry in a year', changedBy({ secondsLeft: 31_536_000 }), 'approval_invalid'],
  ['expired', changedBy({ secondsLeft: -5 }), 'approval_expired'],
  ['of another key', changedBy({ subject: { keyId: 'another-key' } }), 'approval_invalid'],
  ['of another public key', changedBy({ subject: { publicKey: stranger.publicKey } }), 'approval_invalid'],
  ['of another type of key', changedBy({ subject: { keyType: 'ecdsa-secp256k1' } }), 'approval_invalid'],
  ['of a derived key', changedBy({ subject: { derivationPath: 'm/0' } }), 'approval_invalid'],
  ['of another message', changedBy({ subject: { message: new Uint8Array(32) } }), 'approval_invalid'],
  ['of other signers', changedBy({ subject: { participants: ['alice', 'mallory'] } }), 'approval_invalid'],
  ['of one signer more', changedBy({ subject: { participants: group } }), 'approval_invalid'],
  ['under another policy', changedBy({ under: canonicalPolicy(withStranger) }), 'approval_invalid'],
  ['the same twice', async (scene) => [await made(scene), await made(scene)], 'approval_invalid'],
]

const wrongApprovals: readonly Lie[] = approvalRows.flatMap(([name, make, reason]): readonly Lie[] =>
  [signers.slice(0, 1), signers].map((who) => ({
    ...signing,
    step: `approvals shown to ${who.join(' and ')}`,
    name,
    end: [reason],
    tell: approving(who, make),
  })),
)

/** Good once, and counted by these very parties. */
const replayed: readonly Lie[] = [signers.slice(0, 1), signers].map((who) => ({
  ...signing,
  step: `approvals shown to ${who.join(' and ')}`,
  name: 'the one of an earlier signature',
  after: 'a signature',
  end: ['approval_replayed'],
  tell: approving(who, async ({ spent }) => spent),
}))

/** Good when the parties counted it: whoever may decide when a session starts must not stretch that. */
const heldBack: Lie = {
  ...signing,
  step: 'start',
  name: 'held back until the approval has expired',
  laterMs: 600_000,
  end: ['approval_expired'],
  tell: showing(signers, 'started', () => ({})),
}

export const coordinatorPolicyLies: readonly Lie[] = [...otherPolicies, split, ...wrongApprovals, ...replayed, heldBack]
