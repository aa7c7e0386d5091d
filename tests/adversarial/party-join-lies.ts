/** How a member of the key's group can join, or not. */
import { joinStatement } from '../../src/identity/statement.ts'
import { identityOf } from '../unit/party/fixtures/parties.ts'
import { mallory, type Lie } from './lie.ts'
import { silentAboutFailures } from './lying-party.ts'

const signing = { session: 'sign', keyType: 'schnorr-secp256k1', parties: ['alice', mallory] } as const
const tell = () => {}

/** Its own ephemeral key is of small order: nothing can be sealed to it, and only its owner can have signed for it. */
const smallOrder: Lie = {
  session: 'sign',
  keyType: 'ecdsa-secp256k1',
  parties: ['alice', mallory],
  step: 'join',
  name: 'with an ephemeral key of small order',
  tell,
  end: ['ephemeral_key_invalid'],
  blamed: [mallory],
  liar: ({ sessionId, lied }) => ({
    transportChanges: (transport) => ({
      ...silentAboutFailures(transport),
      join: async (request, signal) => {
        lied()
        const keys = { ...request.keys, ephemeralKey: new Uint8Array(32) }
        const identity = await identityOf(mallory)
        const signature = await identity.sign(joinStatement({ sessionId, partyId: mallory, ...keys }))
        return transport.join({ ...request, keys: { ...keys, signature } }, signal)
      },
    }),
  }),
}

/** Joins that are refused, so that the honest party waits until the session's time is over. */
const absent: readonly Lie[] = (
  [
    ['with an identity of small order', { identityKey: new Uint8Array(32), signature: new Uint8Array(64) }],
    ['with a signature that is none', { signature: new Uint8Array(64).fill(1) }],
  ] as const
).map(([name, change]) => ({
  ...signing,
  step: 'join',
  name,
  tell,
  end: ['session_timed_out'],
  liar: ({ lied }) => ({
    transportChanges: (transport) => ({
      ...transport,
      join: async (request, signal) => {
        lied()
        return transport.join({ ...request, keys: { ...request.keys, ...change } }, signal)
      },
    }),
  }),
}))

const neverReady: Lie = {
  ...signing,
  step: 'readiness',
  name: 'never',
  tell,
  end: ['session_timed_out'],
  liar: ({ lied }) => ({
    transportChanges: (transport) => ({
      ...transport,
      ready: async () => {
        lied()
        return { allReady: false }
      },
    }),
  }),
}

export const partyJoinLies: readonly Lie[] = [smallOrder, ...absent, neverReady]
