import { expect, test } from 'vitest'
import { baseOtRole, pairOf } from '../../../src/crypto/keygen/roles.ts'

const sizes = Array.from({ length: 19 }, (_, i) => i + 2)

test.each(sizes)('of %i parties, every pair has one base-OT sender and one receiver', (parties) => {
  for (let self = 0; self < parties; self++) {
    for (let peer = 0; peer < parties; peer++) {
      if (self === peer) continue
      expect(baseOtRole(self, peer, parties)).not.toBe(baseOtRole(peer, self, parties))
      expect(pairOf(self, peer, parties)).toEqual(pairOf(peer, self, parties))
    }
  }
})

test.each(sizes)('of %i parties, nobody is the sender more than once more often than another', (parties) => {
  const all = Array.from({ length: parties }, (_, party) => party)
  const counts = all.map(
    (self) => all.filter((peer) => peer !== self && baseOtRole(self, peer, parties) === 'base-sender').length,
  )
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
})
