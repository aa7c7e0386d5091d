/** What a coordinator can invite a server party to. It knows every join token, and may seal what it likes. */
import { create } from '@bufbuild/protobuf'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { InvitationSchema, type Invitation } from '../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { sealingKey } from '../../src/identity/identity-key.ts'
import { packSealed, seal } from '../../src/identity/seal.ts'
import { statement } from '../../src/identity/statement.ts'
import { flip } from './coordinator-view.ts'
import { stranger } from './approvals.ts'

export const invitedDevice = 'server_001'

/** A session that the party is invited to. */
export type Invited = Readonly<{
  invitation: Invitation
  joinToken: string
  /** Of the party. */
  identityKey: Uint8Array
  /** A session without the party, and a token for it. */
  elsewhere: Readonly<{ sessionId: string; joinToken: string }>
}>

export type InvitationLie = Readonly<{
  name: string
  /** Sent instead of the invitation to a session. */
  first: (invited: Invited) => Promise<readonly Invitation[]>
  /** Sent instead of the invitation to the next one; that session must make a key all the same. */
  next: (next: Invited, first: Invited) => Promise<readonly Invitation[]>
  /** How often the party tries to join the first session. */
  joins: number
  /** The first session makes a key. */
  makesKey: boolean
  /** The party is restarted between the two. */
  restarts: boolean
}>

type Binding = Readonly<{ sessionId: string; partyId: string; deviceId: string; to: Uint8Array }>

async function sealedFor({ sessionId, partyId, deviceId, to }: Binding, token: Uint8Array): Promise<Uint8Array> {
  const info = statement('joinTokenSeal', [sessionId])
  const aad = statement('joinTokenSeal', [sessionId, partyId, deviceId])
  return packSealed(await seal(sealingKey(to), info, aad, Uint8Array.from(token)))
}

/** The invitation with a token in it that was sealed for something else, or another token. */
const resealed =
  (change: (invited: Invited) => Partial<Binding> & { token?: Uint8Array }) =>
  async (invited: Invited): Promise<readonly Invitation[]> => {
    const { invitation, identityKey, joinToken } = invited
    const { sessionId, partyId } = invitation
    const { token = utf8ToBytes(joinToken), ...binding } = change(invited)
    const bound = { sessionId, partyId, deviceId: invitedDevice, to: identityKey, ...binding }
    return [{ ...invitation, sealedJoinToken: await sealedFor(bound, token) }]
  }

const changed =
  (change: (invited: Invited) => Partial<Invitation>) =>
  async (invited: Invited): Promise<readonly Invitation[]> => [{ ...invited.invitation, ...change(invited) }]

const truthful = async ({ invitation }: Invited) => [invitation]

/** Never opens, or opens to what belongs elsewhere: the party does not even try to join. */
const dropped: readonly InvitationLie[] = (
  [
    ['a token that is sealed to somebody else', resealed(() => ({ to: stranger.publicKey }))],
    ['a token that is sealed for another party', resealed(() => ({ partyId: 'bob' }))],
    ['a token that is sealed for another device', resealed(() => ({ deviceId: 'server_002' }))],
    ['a token that is sealed for another session', resealed(({ elsewhere }) => ({ sessionId: elsewhere.sessionId }))],
    ['the token of another session', resealed(({ elsewhere }) => ({ token: utf8ToBytes(elsewhere.joinToken) }))],
    ['a token that is none', resealed(() => ({ token: utf8ToBytes('not a token') }))],
    ['a token that is no text', resealed(() => ({ token: new Uint8Array(64).fill(0xff) }))],
    ['a token of no length', resealed(() => ({ token: new Uint8Array(0) }))],
    ["its own token in another party's name", changed(() => ({ partyId: 'bob' }))],
    ['its own token for another session', changed(({ elsewhere }) => ({ sessionId: elsewhere.sessionId }))],
    ['a flipped bit', changed(({ invitation }) => ({ sealedJoinToken: flip(invitation.sealedJoinToken, 40) }))],
    ['rubbish', changed(() => ({ sealedJoinToken: new Uint8Array(120).fill(7) }))],
    ['one byte', changed(() => ({ sealedJoinToken: new Uint8Array(1) }))],
    ['nothing', changed(() => ({ sealedJoinToken: new Uint8Array(0) }))],
    ['a megabyte', changed(() => ({ sealedJoinToken: new Uint8Array(1_000_000).fill(7) }))],
    ['an empty invitation', async () => [create(InvitationSchema, {})]],
  ] satisfies readonly (readonly [string, InvitationLie['first']])[]
).map(([name, first]) => ({ name, first, next: truthful, joins: 0, makesKey: false, restarts: false }))

const repeated = (name: string, lie: Pick<InvitationLie, 'next'> & Partial<InvitationLie>): InvitationLie => ({
  name,
  first: truthful,
  joins: 1,
  makesKey: true,
  restarts: false,
  ...lie,
})

export const invitationLies: readonly InvitationLie[] = [
  ...dropped,
  repeated('to one session a hundred times, and again when it is over', {
    first: async ({ invitation }) => Array.from({ length: 100 }, () => invitation),
    next: async (next, first) => [first.invitation, next.invitation, first.invitation, next.invitation],
  }),
  repeated('to a session that is over, after a restart', {
    next: async (next, first) => [first.invitation, next.invitation],
    restarts: true,
    // Its memory of invitations is gone; the session knows that it is over.
    joins: 2,
  }),
  repeated('with the sealed token of a session that is over', {
    next: async (next, first) => [
      { ...next.invitation, sealedJoinToken: first.invitation.sealedJoinToken },
      next.invitation,
    ],
  }),
  repeated('with the token of a session that is over, sealed anew', {
    next: async (next, first) => [
      ...(await resealed(() => ({ token: utf8ToBytes(first.joinToken) }))(next)),
      next.invitation,
    ],
  }),
]
