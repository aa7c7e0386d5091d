/** What a lie is: one deviation from the protocol by one liar, and how honest parties must end. */
import type { KeyType } from '../../src/crypto/key-type.ts'
import type { FailureReason } from '../../src/party/failure.ts'
import type { Outbound } from '../../src/crypto/protocol.ts'
import type { PartyLimits } from '../../src/party/limits.ts'
import type { KeyPolicy } from '../../src/policy/key-policy.ts'
import type { Approval } from '../../src/policy/approval.ts'
import type { Approve } from '../../src/party/session/terms.ts'
import type { PartyTransport } from '../../src/party/transport/party-transport.ts'
import type { MPCMessage } from '../../src/gen/mpc/router/v1/message_router_pb.ts'
import type { PartyChanges } from '../unit/party/fixtures/parties.ts'
import type { MadeKey } from './arena.ts'
import type { Hooks } from './lying-services.ts'

export type Liar = 'coordinator' | 'router' | 'party'

/** The third member of the key's group; the liar where a party lies, honest elsewhere. */
export const mallory = 'mallory'

/** Where a lie is told. */
export type Scene = Readonly<{
  sessionId: string
  joinTokens: Readonly<Record<string, string>>
  parties: readonly string[]
  /** That is to sign; null where one is made. */
  key: MadeKey | null
  hooks: Hooks
  /** The lie has been told: once more. */
  lied: () => void
  /** Messages of an honest earlier session of the same kind and parties: to be replayed. */
  earlier: readonly MPCMessage[]
  /** What the owner has approved in that session, where the lie is told to parties that took part in it. */
  spent: readonly Approval[]
  /** Of the lying services, for calls beyond the parties' own. */
  url: string
}>

/** What a lying party is made of: the parts of an honest one, with changes. */
export type LyingParty = PartyChanges &
  Readonly<{
    transportChanges?: (transport: PartyTransport) => PartyTransport
    corrupt?: Corrupt
  }>

/** What is sent instead in a round. */
export type Corrupt = (round: number, outbound: readonly Outbound[]) => readonly Outbound[]

export type Lie = Readonly<{
  name: string
  step: string
  session: 'keygen' | 'sign'
  keyType: KeyType
  parties: readonly string[]
  /** Of the key, where it has one: every device expects it, and its owner approves of the signature. */
  policy?: KeyPolicy
  /** Sets hooks before anybody joins. */
  tell: (scene: Scene) => void | Promise<void>
  /** What the lying party is, where a party lies. */
  liar?: (scene: Scene) => LyingParty
  /** For one party, instead of agreeing to exactly what the session is about. */
  approve?: (partyId: string) => Approve | undefined
  limits?: Partial<PartyLimits>
  /** By the clocks of the parties, so much later once the lie has been told. */
  laterMs?: number
  /** The parties have made one signature with the key already, in the stores that they have here. */
  after?: 'a signature'
  /**
   * `harmless`: all honest parties finish with the right result. Else how they may end, besides being told that the
   * session is over; at least one ends so.
   */
  end: 'harmless' | readonly FailureReason[]
  /** Whom honest parties name; nobody where it is absent. */
  blamed?: readonly string[]
  /** Those are banned for the key, too. */
  banned?: boolean
  /** Honest parties that the lie did not reach may finish with the right result. */
  mayFinish?: boolean
  /** The protocol was over: shares of an unfinished key may be left, which is not reported as made. */
  mayStore?: boolean
}>
