/** Inverses and square roots modulo p, by fixed exponents: the same steps for every value (Fermat; p ≡ 3 mod 4). */
import { copy, multiply, newElement, square, type FieldElement } from './field.ts'

const base = newElement()
const [x2, x3, x22, x44, x88] = [newElement(), newElement(), newElement(), newElement(), newElement()]
const power = newElement()

/** out = 1/a, and 0 for 0: a^(p−2). */
export function invert(out: FieldElement, a: FieldElement): void {
  raiseTo223Ones(a)
  squareTimes(power, power, 23)
  multiply(power, power, x22)
  squareTimes(power, power, 5)
  multiply(power, power, base)
  squareTimes(power, power, 3)
  multiply(power, power, x2)
  squareTimes(power, power, 2)
  multiply(out, power, base)
  wipeScratch()
}

/** The inverse of each, by one inversion for all (Montgomery's trick). None may be 0. */
export function invertAll(elements: readonly FieldElement[]): readonly FieldElement[] {
  const products = [newElement()]
  products[0]![0] = 1
  for (let i = 0; i < elements.length; i++) {
    const product = newElement()
    multiply(product, products[i]!, elements[i]!)
    products.push(product)
  }
  const inverse = newElement()
  invert(inverse, products[elements.length]!)
  const inverses = elements.map(() => newElement())
  for (let i = elements.length - 1; i >= 0; i--) {
    multiply(inverses[i]!, products[i]!, inverse)
    multiply(inverse, inverse, elements[i]!)
  }
  for (const element of [...products, inverse]) element.fill(0)
  return inverses
}

/** out = a^((p+1)/4): a square root of a if a has one. */
export function squareRoot(out: FieldElement, a: FieldElement): void {
  raiseTo223Ones(a)
  squareTimes(power, power, 23)
  multiply(power, power, x22)
  squareTimes(power, power, 6)
  multiply(power, power, x2)
  squareTimes(out, power, 2)
  wipeScratch()
}

/** power = a^(2^223 − 1), the 223 leading ones that p−2 and (p+1)/4 share; x2 = a^(2^2−1), x22 = a^(2^22−1). */
function raiseTo223Ones(a: FieldElement): void {
  copy(base, a)
  square(x2, a)
  multiply(x2, x2, base)
  square(x3, x2)
  multiply(x3, x3, base)
  extend(power, x3, x3, 3) // 6 ones
  extend(power, power, x3, 3) // 9
  extend(power, power, x2, 2) // 11
  extend(x22, power, power, 11)
  extend(x44, x22, x22, 22)
  extend(x88, x44, x44, 44)
  extend(power, x88, x88, 88) // 176
  extend(power, power, x44, 44) // 220
  extend(power, power, x3, 3) // 223
}

/** From exponents of i and `ones` one bits to i + `ones`. */
function extend(out: FieldElement, a: FieldElement, tail: FieldElement, ones: number): void {
  let from = a
  for (let i = 0; i < ones; i++) {
    square(scratch, from)
    from = scratch
  }
  multiply(out, scratch, tail)
}

const scratch = newElement()

function squareTimes(out: FieldElement, a: FieldElement, times: number): void {
  square(out, a)
  for (let i = 1; i < times; i++) square(out, out)
}

function wipeScratch(): void {
  for (const element of [base, x2, x3, x22, x44, x88, power, scratch]) element.fill(0)
}
