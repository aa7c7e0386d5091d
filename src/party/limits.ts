/** Every limit of the party runtime. Times in milliseconds. */
export type PartyLimits = Readonly<{
  /**
   * From sending a round's messages to having everyone else's. A 20-party key generation on one busy core needs
   * minutes.
   */
  roundTimeoutMs: number
  /** What the coordinator's clock and ours may differ by before we give up on an expired session by ourselves. */
  clockSkewMs: number
  /** No session lasts longer, whatever the coordinator says. */
  maxSessionMs: number
  /** After everyone is ready, how long the party that saw it first has to start the session before others try. */
  startPatienceMs: number
  /** For telling the coordinator that this party gave up. */
  reportTimeoutMs: number
  /** Rejected messages of one session that are logged one by one; further ones are only counted. */
  loggedRejections: number
}>

export const defaultPartyLimits: PartyLimits = {
  roundTimeoutMs: 180_000,
  clockSkewMs: 60_000,
  maxSessionMs: 86_400_000,
  startPatienceMs: 2_000,
  reportTimeoutMs: 10_000,
  loggedRejections: 20,
}
