/** Lies of a coordinator about who takes part, and with which keys. */
import { approveKeygen } from '../../src/party/approval.ts'
import { identityOf } from '../unit/party/fixtures/parties.ts'
import { group } from './arena.ts'
import {
  flip,
  participant,
  rows,
  showing,
  signedJoin,
  withKeys,
  withOrder,
  withParticipants,
  type Row,
} from './coordinator-view.ts'
import { mallory, type Lie, type Scene } from './lie.ts'

const signers = ['alice', 'bob']
const signing = { session: 'sign', keyType: 'eddsa-ed25519', parties: signers } as const
const making = { session: 'keygen', keyType: 'schnorr-secp256k1', parties: group } as const
const alice = ['alice']

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

export const coordinatorRosterLies: readonly Lie[] = [
  ...rows(signing, 'roster', 'started', alice, rosterRows),
  ...exchangedEntries,
]
