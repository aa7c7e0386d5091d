/**
 * The engine of the protocols with Node's SHA-256, which hashes the long messages of signing in a tenth of the time.
 */
import { createHash } from 'node:crypto'
import type { Engine } from '../../crypto/engine.ts'
import { limbEngine } from '../../crypto/limbs/engine.ts'

export const nodeEngine: Engine = {
  ...limbEngine,
  sha256: (parts) => {
    const hash = createHash('sha256')
    for (const part of parts) hash.update(part)
    return Uint8Array.from(hash.digest())
  },
}
