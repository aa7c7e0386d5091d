/** The sizes of RVOLE (DKLs23, section 5.1), which its arithmetic shares. */

/** ℓ: inputs of Alice. */
export const inputCount = 2
/** Scalars per transfer: ρ = ⌈λ_c/κ⌉ = 1 check column comes after the inputs. */
export const width = inputCount + 1
/** ξ = κ + 2·λ_s transfers. */
export const transfers = 416
/**
 * Bytes of OT output that make one scalar of a row or of the gadget. As q lies between 2^256 − 2^129 and 2^256, 256
 * uniform bits modulo q are within 2^-127 of a uniform scalar.
 */
export const padLength = 32
