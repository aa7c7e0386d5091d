/** Constants of RFC 9496, section 4.1, and what follows from them. Little-endian, as the RFC encodes field elements. */
import { readElement } from './bytes.ts'
import { fieldElement, newElement, type FieldElement } from './field.ts'

export const one = fieldElement(1)
export const d = constant('a3785913ca4deb75abd841414d0a700098e879777940c78c73fe6f2bee6c0352')
export const twoD = constant('59f1b226949bd6eb56b183829a14e00030d1f3eef2808e19e7fcdf56dcd90624')
/** SQRT_M1. */
export const sqrtMinusOne = constant('b0a00e4a271beec478e42fad0618432fa7d7fb3d99004d2b0bdfc14f8024832b')
/** SQRT_AD_MINUS_ONE. */
export const sqrtAdMinusOne = constant('1b2e7b49a0f6977ebd54781b0c8e9daffdd1f531c9fc3c0fac48832bbf316937')
/** INVSQRT_A_MINUS_D. */
export const inverseSqrtAMinusD = constant('ea405d80aafdc899be72415a17162f9d40d801fe917bc216a2fcafcf05896c78')
/** ONE_MINUS_D_SQ. */
export const oneMinusDSquared = constant('76c15f94c1097ce20f355ecd38a1812ce4df70beddab9499d7e0b3b2a8729002')
/** D_MINUS_ONE_SQ. */
export const dMinusOneSquared = constant('204ded44aa5aad3199191eb02c4a9ed2eb4e9b522fd3dc4c41226cf67ab36859')
/** The encoding of the generator (appendix A.1). */
export const generatorBytes = hex('e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76')

function constant(text: string): FieldElement {
  const out = newElement()
  readElement(out, hex(text))
  return out
}

function hex(text: string): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
}
