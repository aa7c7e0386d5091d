/** Shamir sharing with Feldman's commitments (Feldman 1987), at the evaluation points 1..n. */
import { addPoints, identity, multiplyPublic, type Point } from './curve/secp256k1.ts'
import { addScalars, invertPublicScalar, multiplyScalars, randomScalar, subtractScalars } from './curve/scalar.ts'
import type { Scalar } from './curve/scalar.ts'
import type { Rng } from './protocol.ts'

/** Coefficients, constant term first. */
export type Polynomial = readonly Scalar[]

/** Where party `index` evaluates. Never 0, which is where the secret is. */
export function evaluationPoint(index: number): number {
  return index + 1
}

/** A random polynomial with `threshold` coefficients, none of them zero. */
export function randomPolynomial(threshold: number, rng: Rng): Polynomial {
  return Array.from({ length: threshold }, () => randomScalar(rng))
}

export function evaluate(polynomial: Polynomial, x: number): Scalar {
  return polynomial.reduceRight((sum, coefficient) => addScalars(multiplyScalars(sum, BigInt(x)), coefficient), 0n)
}

/** Σₖ xᵏ·Cₖ. Commitments and evaluation points are public, hence the variable-time multiplications. */
export function evaluateCommitments(commitments: readonly Point[], x: number): Point {
  return commitments.reduceRight((sum, commitment) => addPoints(multiplyPublic(sum, BigInt(x)), commitment), identity)
}

/** λ of the party at `index` among `indices`: Σ λᵢ·f(xᵢ) = f(0). All of it is public. */
export function lagrangeAtZero(index: number, indices: readonly number[]): Scalar {
  const own = BigInt(evaluationPoint(index))
  let numerator = 1n
  let denominator = 1n
  for (const other of indices) {
    if (other === index) continue
    const x = BigInt(evaluationPoint(other))
    numerator = multiplyScalars(numerator, x)
    denominator = multiplyScalars(denominator, subtractScalars(x, own))
  }
  return multiplyScalars(numerator, invertPublicScalar(denominator))
}
