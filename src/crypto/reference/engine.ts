/**
 * The reference engine: @noble/curves and BigInt, written to be compared with, not to be fast or to keep time constant.
 * Tests run whole protocols on it. No product code imports it.
 */
import type { Engine } from '../engine.ts'
import { hashParts } from '../hash.ts'
import { elements } from './elements.ts'
import { points } from './points.ts'
import { rvole } from './rvole.ts'
import { scalars } from './scalars.ts'

export const nobleEngine: Engine = { scalars, points, elements, rvole, sha256: hashParts }
