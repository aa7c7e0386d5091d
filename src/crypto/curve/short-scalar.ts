/** Random public weights that points are multiplied by in a third of the time. */
import type { ScalarArithmetic } from '../engine.ts'
import type { Rng } from '../protocol.ts'
import { scalarLength, zeroScalar, type Scalar } from './scalar.ts'

/** λ, a cube root of 1 modulo q: λ·(x, y) = (β·x, y) for a cube root β of 1 modulo p. */
const lambda = Uint8Array.of(
  0x53, 0x63, 0xad, 0x4c, 0xc0, 0x5c, 0x30, 0xe0, 0xa5, 0x26, 0x1c, 0x02, 0x88, 0x12, 0x64, 0x5a,
  0x12, 0x2e, 0x22, 0xea, 0x20, 0x81, 0x66, 0x78, 0xdf, 0x02, 0x96, 0x7c, 0x1b, 0x23, 0xbd, 0x72,
) as Scalar // below q
const halfLength = 5

/**
 * ρ = ρ₁ + ρ₂·λ for random ρ₁, ρ₂ below 2^40: one of 2^80 different scalars, as no two pairs that short are congruent
 * (the shortest vector (a, b) with a + b·λ ≡ 0 is longer than 2^127). 80 is λ_s, the statistical parameter of DKLs23.
 */
export function randomWeight({ add, multiply }: ScalarArithmetic, rng: Rng): Scalar {
  return add(shortScalar(rng), multiply(shortScalar(rng), lambda))
}

function shortScalar(rng: Rng): Scalar {
  const scalar = zeroScalar()
  scalar.set(rng(halfLength), scalarLength - halfLength)
  return scalar
}
