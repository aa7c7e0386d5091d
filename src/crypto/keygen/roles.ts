/** Who sends in the one base OT of each pair. */

export type BaseOtRole = 'base-sender' | 'base-receiver'

/**
 * The role of `self` towards `peer` among n parties: everyone is the sender for the ⌊(n-1)/2⌋ parties that follow
 * cyclically, so that the (unequal) work of both roles spreads evenly. Exactly opposite parties (n even) go by number.
 */
export function baseOtRole(self: number, peer: number, parties: number): BaseOtRole {
  const distance = (peer - self + parties) % parties
  const ahead = 2 * distance === parties ? self < peer : 2 * distance < parties
  return ahead ? 'base-sender' : 'base-receiver'
}

/** The pair as (sender, receiver) of its base OT. */
export function pairOf(self: number, peer: number, parties: number): Readonly<{ sender: number; receiver: number }> {
  return baseOtRole(self, peer, parties) === 'base-sender'
    ? { sender: self, receiver: peer }
    : { sender: peer, receiver: self }
}
