/** Lies of a coordinator about what a session is for: compared with what the party was asked to do, and with what it has. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { allowAllSigning, approveByPolicy } from '../../src/party/approval.ts'
import { group, message, messageHash } from './arena.ts'
import { rows, showing, withOrder, withParticipants, type Row } from './coordinator-view.ts'
import type { Lie } from './lie.ts'

const signers = ['alice', 'bob']
const signing = { session: 'sign', keyType: 'eddsa-ed25519', parties: signers } as const
const signingHash = { session: 'sign', keyType: 'ecdsa-secp256k1', parties: signers } as const
const making = { session: 'keygen', keyType: 'schnorr-secp256k1', parties: group } as const
const alice = ['alice']

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

export const coordinatorTermsLies: readonly Lie[] = [
  ...rows(signing, 'terms', 'always', alice, termsOfSigning),
  ...rows(signingHash, 'terms', 'always', alice, termsOfHash),
  ...rows(making, 'terms', 'always', alice, termsOfMaking),
  ...rows(signing, 'terms to everyone', 'always', signers, termsOfSigning.slice(0, 2)),
  ...rows(signing, 'terms after the agreement', 'started', alice, termsChanged),
  ...splitTerms,
]
