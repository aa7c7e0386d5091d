/** Shamir sharing with Feldman's commitments (Feldman 1987), at the evaluation points 1..n. */
import { wipe } from './bytes.ts'
import { identity, type Point } from './curve/secp256k1.ts'
import { invertPublic } from './curve/public-inverse.ts'
import { randomScalar, smallScalar, zeroScalar, type Scalar } from './curve/scalar.ts'
import type { Engine } from './engine.ts'
import type { Rng } from './protocol.ts'

/** Coefficients, constant term first. */
export type Polynomial = readonly Scalar[]

/** Where party `index` evaluates. Never 0, which is where the secret is. */
export function evaluationPoint(index: number): number {
  return index + 1
}

/** A random polynomial with `threshold` coefficients, none of them zero. */
export function randomPolynomial({ scalars }: Engine, threshold: number, rng: Rng): Polynomial {
  return Array.from({ length: threshold }, () => randomScalar(scalars, rng))
}

/** f(x), by Horner's rule. */
export function evaluate({ scalars }: Engine, polynomial: Polynomial, x: number): Scalar {
  const at = smallScalar(x)
  let sum = zeroScalar()
  for (const coefficient of [...polynomial].reverse()) {
    const product = scalars.multiply(sum, at)
    wipe(sum)
    sum = scalars.add(product, coefficient)
    wipe(product)
  }
  return sum
}

/** Σₖ xᵏ·Cₖ. */
export function evaluateCommitments(engine: Engine, commitments: readonly Point[], x: number): Point {
  return commitments.reduceRight(
    (sum, commitment) => engine.points.add(smallMultiple(engine, sum, x), commitment),
    identity,
  )
}

/** λ of the party at `index` among `indices`: Σ λᵢ·f(xᵢ) = f(0). */
export function lagrangeAtZero({ scalars }: Engine, index: number, indices: readonly number[]): Scalar {
  const own = smallScalar(evaluationPoint(index))
  let numerator = smallScalar(1)
  let denominator = smallScalar(1)
  for (const other of indices) {
    if (other === index) continue
    const x = smallScalar(evaluationPoint(other))
    numerator = scalars.multiply(numerator, x)
    denominator = scalars.multiply(denominator, scalars.subtract(x, own))
  }
  return scalars.multiply(numerator, invertPublic(denominator))
}

/** x·P for an evaluation point x, which is public: doubling and adding by its bits. */
function smallMultiple({ points }: Engine, point: Point, x: number): Point {
  let sum = identity
  for (let bit = 31 - Math.clz32(x); bit >= 0; bit--) {
    sum = points.add(sum, sum)
    if ((x >>> bit) & 1) sum = points.add(sum, point)
  }
  return sum
}
