/** Another broadcast to one party than to the others. */
import type { Schema } from '../../src/crypto/codec.ts'
import { frostKeygenSchemas, frostSignSchemas } from '../../src/crypto/frost/messages.ts'
import { suiteOf } from '../../src/crypto/frost/suite.ts'
import { keygenSchemas } from '../../src/crypto/keygen/messages.ts'
import { signSchemas } from '../../src/crypto/sign/messages.ts'
import type { Consequence } from '../unit/crypto/sign-damage.ts'
import { bitFlips, flipBit, isMalformed } from '../unit/crypto/tamper.ts'
import { group } from './arena.ts'
import type { Lie } from './lie.ts'
import { equivocating } from './lying-party.ts'
import { ecdsaKeygen, ecdsaSign, ed, ending, tell, type Protocol } from './party-protocols.ts'

type Equivocation = readonly [
  protocol: Protocol,
  round: number,
  field: string,
  schema: Schema,
  told: Consequence,
  mayFinish: boolean,
]

const nobody = (reason: Consequence['reason']): Consequence => ({ reason, blame: 'names nobody', severity: 'retry' })
const sender = (reason: Consequence['reason']): Consequence => ({ reason, blame: 'names the sender', severity: 'retry' })
const schemaOf = (schemas: readonly Readonly<{ broadcast?: Schema }>[], round: number): Schema =>
  schemas[round - 1]?.broadcast ?? []
const edLength = suiteOf('eddsa-ed25519').pointLength
const frostKeygen = frostKeygenSchemas(2, edLength)
const frostSign = frostSignSchemas(edLength)

/** Another broadcast to bob than to alice, both signed: the coordinator and the router help. */
const equivocations: readonly Equivocation[] = [
  [ecdsaKeygen, 1, 'commitment', schemaOf(keygenSchemas(2), 1), nobody('view-mismatch'), false],
  [ecdsaKeygen, 2, 'salt', schemaOf(keygenSchemas(2), 2), sender('commitment-mismatch'), false],
  [ecdsaKeygen, 3, 'proofResponse', schemaOf(keygenSchemas(2), 3), sender('proof-invalid'), false],
  [ecdsaKeygen, 4, 'confirmation', schemaOf(keygenSchemas(2), 4), nobody('confirmation-mismatch'), true],
  [ecdsaSign, 1, 'commitment', schemaOf(signSchemas, 1), nobody('view-mismatch'), false],
  [ecdsaSign, 3, 'view', schemaOf(signSchemas, 3), nobody('view-mismatch'), true],
  [ecdsaSign, 3, 'u', schemaOf(signSchemas, 3), nobody('signature-invalid'), true],
  [ecdsaSign, 3, 'w', schemaOf(signSchemas, 3), nobody('signature-invalid'), true],
  [{ session: 'keygen', ...ed }, 1, 'otherCommitments', schemaOf(frostKeygen, 1), nobody('view-mismatch'), false],
  [{ session: 'keygen', ...ed }, 2, 'view', schemaOf(frostKeygen, 2), nobody('view-mismatch'), false],
  [{ session: 'keygen', ...ed }, 3, 'confirmation', schemaOf(frostKeygen, 3), nobody('confirmation-mismatch'), true],
  [{ session: 'sign', ...ed }, 1, 'hiding', schemaOf(frostSign, 1), nobody('view-mismatch'), false],
  [{ session: 'sign', ...ed }, 1, 'binding', schemaOf(frostSign, 1), nobody('view-mismatch'), false],
  [{ session: 'sign', ...ed }, 2, 'view', schemaOf(frostSign, 2), nobody('view-mismatch'), true],
  [{ session: 'sign', ...ed }, 2, 'share', schemaOf(frostSign, 2), sender('signature-share-invalid'), true],
]

export const equivocationLies: readonly Lie[] = equivocations.map(([protocol, round, field, schema, told, mayFinish]) => {
  const change = (body: Uint8Array): Uint8Array => {
    const flips = bitFlips(schema).filter((flip) => flip.field === field)
    const [first, , last] = flips.map(({ bit }) => flipBit(body, bit))
    const isScalarOfEd25519 = protocol.keyType === 'eddsa-ed25519' && field === 'share'
    const changed = isScalarOfEd25519 ? first : last
    if (changed === undefined || isMalformed(schema, changed)) throw new Error(`${field} cannot be changed so`)
    return changed
  }
  return {
    ...protocol,
    parties: group,
    step: `round ${round} broadcast`,
    name: `another ${field} to bob than to alice`,
    tell,
    liar: equivocating(protocol.session, protocol.keyType, round, 'bob', change),
    ...ending(told),
    ...(mayFinish && { mayFinish, mayStore: true }),
  }
})
