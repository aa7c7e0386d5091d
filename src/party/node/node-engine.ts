/**
 * The engine of the protocols with Node's SHA-256, which hashes the long messages of signing in a tenth of the time.
 */
import { hash } from 'node:crypto'
import type { Engine } from '../../crypto/engine.ts'
import { limbEngine } from '../../crypto/limbs/engine.ts'

export const nodeEngine: Engine = {
  ...limbEngine,
  sha256: (parts) => Uint8Array.from(hash('sha256', Buffer.concat([...parts]), 'buffer')),
}
