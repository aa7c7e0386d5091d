/** What a coordinator can say, besides the truth, to parties that it cannot speak for. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { create } from '@bufbuild/protobuf'
import { FailureSchema } from '../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { allowAllSigning, approveByPolicy, approveKeygen } from '../../src/party/approval.ts'
import { identityOf } from '../unit/party/fixtures/parties.ts'
import { group, message, messageHash } from './arena.ts'
import {
  flip,
  hiding,
  participant,
  showing,
  signedJoin,
  withKeys,
  withOrder,
  withParticipants,
  type Change,
} from './coordinator-view.ts'
import { mallory, type Lie, type Scene } from './lie.ts'
import { coordinatorCourseLies } from './coordinator-course-lies.ts'
import { coordinatorPolicyLies } from './coordinator-policy-lies.ts'

const signers = ['alice', 'bob']
const signing = { session: 'sign', keyType: 'eddsa-ed25519', parties: signers } as const
const signingHash = { session: 'sign', keyType: 'ecdsa-secp256k1', parties: signers } as const
const making = { session: 'keygen', keyType: 'schnorr-secp256k1', parties: group } as const
const alice = ['alice']

type Row = readonly [name: string, change: Change, end: Lie['end']]

/** One lie for each row. */
function rows(
  base: Pick<Lie, 'session' | 'keyType' | 'parties'>,
  step: string,
  phase: 'always' | 'started',
  who: readonly string[],
  list: readonly Row[],
): readonly Lie[] {
  return list.map(([name, change, end]) => ({ ...base, step, name, end, tell: showing(who, phase, change) }))
}

/** The party's whole entry becomes one that the coordinator has made and signed itself, or an old one of the party. */
function exchanged(
  who: readonly string[],
  whose: string,
  keysOf: (scene: Scene) => ReturnType<typeof signedJoin>,
): Lie['tell'] {
  return async (scene) => {
    const keys = await keysOf(scene)
    await showing(
      who,
      'started',
      withKeys(whose, () => keys),
    )(scene)
  }
}
const puppet = async ({ sessionId }: Scene, partyId: string) =>
  signedJoin(await identityOf('a puppet of the coordinator'), sessionId, partyId, 77)
const oldJoin = async (partyId: string) => signedJoin(await identityOf(partyId), 'an earlier session', partyId, 78)

const pins = async () =>
  new Map(await Promise.all(group.map(async (name) => [name, (await identityOf(name)).publicKey] as const)))
const pinned = {
  approve: () => async (terms: Parameters<ReturnType<typeof approveKeygen>>[0], signal: AbortSignal) =>
    approveKeygen({ thresholdT: 2, thresholdN: 3, keyType: 'schnorr-secp256k1', identities: await pins() })(terms, signal),
}

/** In the roster that alice is shown when the session starts. */
const rosterRows: readonly Row[] = [
  [
    "bob's identity",
    withKeys('bob', ({ identityKey }) => ({ identityKey: flip(identityKey) })),
    ['roster_signature_invalid', 'roster_identity_unexpected'],
  ],
  [
    "bob's ephemeral key",
    withKeys('bob', () => ({ ephemeralKey: new Uint8Array(32).fill(9) })),
    ['roster_signature_invalid'],
  ],
  ["bob's nonce", withKeys('bob', ({ nonce }) => ({ nonce: flip(nonce) })), ['roster_signature_invalid']],
  [
    "bob's signature",
    withKeys('bob', ({ signature }) => ({ signature: flip(signature, 40) })),
    ['roster_signature_invalid'],
  ],
  ["bob's signature left out", withKeys('bob', () => ({ signature: new Uint8Array(0) })), ['roster_signature_invalid']],
  ["bob's nonce cut short", withKeys('bob', ({ nonce }) => ({ nonce: nonce.slice(1) })), ['roster_incomplete']],
  [
    "bob's identity a megabyte",
    withKeys('bob', () => ({ identityKey: new Uint8Array(1_000_000) })),
    ['roster_incomplete'],
  ],
  [
    "bob's keys left out",
    withParticipants((all) => all.map((one) => (one.partyId === 'bob' ? participant('bob', one.partyIndex) : one))),
    ['roster_incomplete'],
  ],
  ["alice's entry for bob's", withKeys('bob', (_, others) => others), ['roster_key_repeated']],
  ["alice's nonce for bob's", withKeys('bob', (_, { nonce }) => ({ nonce })), ['roster_key_repeated']],
  [
    "alice's ephemeral key for bob's",
    withKeys('bob', (_, { ephemeralKey }) => ({ ephemeralKey })),
    ['roster_key_repeated'],
  ],
  ["alice's own identity", withKeys('alice', (_, { identityKey }) => ({ identityKey })), ['roster_own_entry_changed']],
  [
    "alice's own ephemeral key",
    withKeys('alice', () => ({ ephemeralKey: new Uint8Array(32).fill(9) })),
    ['roster_own_entry_changed'],
  ],
  ["alice's own nonce", withKeys('alice', ({ nonce }) => ({ nonce: flip(nonce) })), ['roster_own_entry_changed']],
  [
    "alice's own signature",
    withKeys('alice', ({ signature }) => ({ signature: flip(signature) })),
    ['roster_own_entry_changed'],
  ],
  ['the order', withOrder((all) => [...all].reverse()), ['terms_changed']],
  ['a party twice', withOrder((all) => [...all, ...all.slice(0, 1)]), ['terms_unexpected']],
  [
    'the same number for all',
    withParticipants((all) => all.map((one) => ({ ...one, partyIndex: 0 }))),
    ['terms_unexpected'],
  ],
  ['a party more', withOrder((all) => [...all, participant('eve', all.length)]), ['terms_changed', 'terms_unexpected']],
  [
    'a thousand parties more',
    withOrder((all) => [...all, ...Array.from({ length: 1_000 }, (_, i) => participant(`eve-${i}`, i))]),
    ['terms_changed', 'terms_unexpected'],
  ],
  [
    'bob left out',
    withOrder((all) => all.filter(({ partyId }) => partyId !== 'bob')),
    ['terms_changed', 'terms_unexpected'],
  ],
  ['alice left out', withOrder((all) => all.filter(({ partyId }) => partyId !== 'alice')), ['terms_unexpected']],
  ['nobody', withParticipants(() => []), ['terms_unexpected']],
  [
    'another name for bob',
    withParticipants((all) => all.map((one) => (one.partyId === 'bob' ? { ...one, partyId: 'eve' } : one))),
    ['terms_changed'],
  ],
  [
    'an id that is none',
    withParticipants((all) =>
      all.map((one) => (one.partyId === 'bob' ? { ...one, partyId: '\u001b[2J'.repeat(99) } : one)),
    ),
    ['terms_unexpected'],
  ],
  [
    'another hash of it',
    ({ rosterHash }) => ({ rosterHash: flip(rosterHash ?? new Uint8Array(32)) }),
    ['roster_hash_mismatch'],
  ],
  ['a short hash of it', () => ({ rosterHash: new Uint8Array(4) }), ['roster_hash_mismatch']],
]

const exchangedEntries: readonly Lie[] = [
  {
    ...signing,
    name: 'a puppet for bob, its join signed',
    tell: exchanged(alice, 'bob', (scene) => puppet(scene, 'bob')),
    end: ['roster_identity_unexpected'],
  },
  {
    ...signing,
    name: 'a puppet for bob to alice, and for alice to bob',
    end: ['roster_identity_unexpected'],
    tell: async (scene: Scene) => {
      const [forBob, forAlice] = [await puppet(scene, 'bob'), await puppet(scene, 'alice')]
      scene.hooks.show = (partyId, session) => {
        if (session.status !== 'in_progress') return [session]
        scene.lied()
        const [whose, keys] = partyId === 'alice' ? (['bob', forBob] as const) : (['alice', forAlice] as const)
        return [{ ...session, ...withKeys(whose, () => keys)(session, scene) }]
      }
    },
  },
  {
    ...making,
    ...pinned,
    name: 'a puppet for bob, who is pinned',
    tell: exchanged(alice, 'bob', (scene) => puppet(scene, 'bob')),
    end: ['roster_identity_unexpected'],
  },
  {
    ...making,
    name: 'a puppet for bob, whom nobody pins, to alice only',
    tell: exchanged(alice, 'bob', (scene) => puppet(scene, 'bob')),
    end: ['round_timed_out'],
  },
  {
    ...making,
    name: 'a puppet for the third, whom nobody pins, to one of two',
    tell: exchanged(['bob'], mallory, (scene) => puppet(scene, mallory)),
    end: ['round_timed_out'],
  },
  {
    ...signing,
    name: "bob's join of an earlier session",
    tell: exchanged(alice, 'bob', () => oldJoin('bob')),
    end: ['roster_signature_invalid'],
  },
  {
    ...making,
    name: "bob's join of an earlier session",
    tell: exchanged(alice, 'bob', () => oldJoin('bob')),
    end: ['roster_signature_invalid'],
  },
  {
    ...signing,
    name: "alice's own join of an earlier session",
    tell: exchanged(alice, 'alice', () => oldJoin('alice')),
    end: ['roster_own_entry_changed'],
  },
  {
    ...making,
    name: 'an identity of small order for bob, under which anyone can sign',
    tell: showing(
      alice,
      'started',
      withKeys('bob', () => ({ identityKey: new Uint8Array(32), signature: new Uint8Array(64) })),
    ),
    end: ['roster_signature_invalid'],
  },
].map((lie) => ({ step: 'roster', ...lie }) as Lie)

const other = { messageHash: 'ab'.repeat(32), message: new TextEncoder().encode('what the coordinator wants') }

/** To alice, from the beginning: compared with what she was asked to do, and with what she has. */
const termsOfSigning: readonly Row[] = [
  ['another message', () => ({ message: other.message }), ['message_mismatch']],
  ['an empty message', () => ({ message: new Uint8Array(0) }), ['terms_unexpected']],
  ['a message that is too long', () => ({ message: new Uint8Array(70_000) }), ['terms_unexpected']],
  ['a message with a byte more', () => ({ message: Uint8Array.from([...message, 0]) }), ['message_mismatch']],
  ['another key', () => ({ keyId: 'another-key' }), ['key_unknown']],
  ['a key whose id is a path', () => ({ keyId: '../../etc/passwd' }), ['key_unknown']],
  ['no key', () => ({ keyId: '' }), ['key_unknown']],
  ['a public key that is not that of the share', () => ({ publicKey: 'cd'.repeat(32) }), ['key_mismatch']],
  [
    'another key type',
    () => ({ keyType: 'schnorr-secp256k1', messageHash: bytesToHex(messageHash) }),
    ['key_mismatch'],
  ],
  ['an unknown key type', () => ({ keyType: 'rsa' }), ['terms_unexpected']],
  ['another t', () => ({ thresholdT: 3 }), ['key_mismatch']],
  ['a t of one', () => ({ thresholdT: 1 }), ['terms_unexpected']],
  ['another n', () => ({ thresholdN: 4 }), ['key_mismatch']],
  ['a key generation', () => ({ sessionType: 'keygen' }), ['terms_unexpected']],
  ['a kind of session that there is not', () => ({ sessionType: 'export' }), ['terms_unexpected']],
  ['another session', () => ({ sessionId: 'another-session' }), ['roster_signature_invalid']],
  [
    'a signer of another group',
    withParticipants((all) => all.map((one) => (one.partyId === 'bob' ? { ...one, partyId: 'eve' } : one))),
    ['not_a_member'],
  ],
  [
    'alice as the only signer',
    withOrder((all) => all.filter(({ partyId }) => partyId === 'alice')),
    ['threshold_not_met'],
  ],
  ['another order of signers', withOrder((all) => [...all].reverse()), ['roster_own_entry_changed']],
]
const termsOfHash: readonly Row[] = [
  ['another hash', () => ({ messageHash: other.messageHash }), ['message_hash_mismatch']],
  ['a hash that is none', () => ({ messageHash: 'no hash' }), ['terms_unexpected']],
  ['a message instead of the hash', () => ({ keyType: 'eddsa-ed25519', message: messageHash }), ['key_mismatch']],
]
const termsOfMaking: readonly Row[] = [
  ['another t', () => ({ thresholdT: 3 }), ['terms_unexpected']],
  ['another key type', () => ({ keyType: 'ecdsa-secp256k1' }), ['terms_unexpected']],
  ['two parties of three', withOrder((all) => all.slice(0, 2)), ['terms_unexpected']],
  [
    'two parties, and n to match',
    (session, scene) => ({ ...withOrder((all) => all.slice(0, 2))(session, scene), thresholdN: 2 }),
    ['terms_unexpected'],
  ],
  ['signing', () => ({ sessionType: 'sign', keyId: 'key', message }), ['terms_unexpected', 'key_unknown']],
]
/** To alice, once she has agreed. */
const termsChanged: readonly Row[] = termsOfSigning
  .filter(([name]) => ['another message', 'another key', 'another t', 'another n', 'another session'].includes(name))
  .map(([name, change]) => [name, change, ['terms_changed']])

/** To one of two who sign whatever they are asked: they are in different sessions. */
const splitTerms: readonly Lie[] = [
  ['another message', () => ({ message: other.message }), signing] as const,
  ['another hash', () => ({ messageHash: other.messageHash }), signingHash] as const,
].map(([name, change, base]) => ({
  ...base,
  step: 'terms to one of two willing signers',
  name,
  end: ['round_timed_out'],
  approve: () => approveByPolicy(allowAllSigning),
  tell: showing(alice, 'always', change),
}))

const failure = create(FailureSchema, { reason: 'gamma-check-failed', reportedBy: 'alice', culprits: ['bob'] })
const overRows: readonly Row[] = [
  ['a failure that blames bob', () => ({ status: 'failed', failure }), ['session_over', 'session_timed_out']],
  [
    'a failure that blames alice herself',
    () => ({ status: 'failed', failure: { ...failure, culprits: ['alice'] } }),
    ['session_over', 'session_timed_out'],
  ],
  [
    'a failure that blames everyone and strangers',
    () => ({ status: 'failed', failure: { ...failure, culprits: [...group, 'eve', '\u001b[2J'] } }),
    ['session_over', 'session_timed_out'],
  ],
  ['expiry', () => ({ status: 'expired' }), ['session_over', 'session_timed_out']],
  ['a status that there is not', () => ({ status: 'stolen' }), ['refused']],
]

export const coordinatorLies: readonly Lie[] = [
  ...rows(signing, 'roster', 'started', alice, rosterRows),
  ...exchangedEntries,
  ...rows(signing, 'terms', 'always', alice, termsOfSigning),
  ...rows(signingHash, 'terms', 'always', alice, termsOfHash),
  ...rows(making, 'terms', 'always', alice, termsOfMaking),
  ...rows(signing, 'terms to everyone', 'always', signers, termsOfSigning.slice(0, 2)),
  ...rows(signing, 'terms after the agreement', 'started', alice, termsChanged),
  ...splitTerms,
  ...rows(signing, 'end before the start', 'always', alice, overRows),
  ...rows(signing, 'end after the start', 'started', alice, overRows),
  {
    ...signing,
    step: 'start',
    name: 'before bob has joined',
    end: ['roster_incomplete', 'roster_hash_mismatch'],
    // Her first sight of the session stays her last: what follows would make it true.
    tell: (scene) => {
      let isTold = false
      scene.hooks.show = (partyId, session) => {
        if (partyId !== 'alice') return [session]
        if (isTold) return []
        isTold = true
        scene.lied()
        return [{ ...session, status: 'in_progress' }]
      }
    },
  },
  { ...signing, step: 'start', name: 'never, to alice', end: ['session_timed_out'], tell: hiding(alice, 'started') },
  { ...signing, step: 'start', name: 'never, to anyone', end: ['session_timed_out'], tell: hiding(signers, 'started') },
  {
    ...signing,
    step: 'start',
    name: 'never, and an expiry in the year 9999',
    end: ['session_timed_out'],
    tell: hiding(signers, 'started', () => ({ expiresAt: 253_370_764_800n })),
  },
  {
    ...signing,
    step: 'start',
    name: 'never, and an expiry in the past',
    end: ['session_timed_out'],
    limits: { clockSkewMs: 200 },
    tell: hiding(signers, 'started', (_session, { lied }) => {
      lied()
      return { expiresAt: 1n }
    }),
  },
  ...coordinatorCourseLies,
  ...coordinatorPolicyLies,
]
