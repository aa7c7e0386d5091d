/** Each field of each message wrong, to all or to one. */
import { messageLength, type Schema } from '../../src/crypto/codec.ts'
import { frostKeygenSchemas, frostSignSchemas } from '../../src/crypto/frost/messages.ts'
import { suiteOf } from '../../src/crypto/frost/suite.ts'
import { keygenSchemas } from '../../src/crypto/keygen/messages.ts'
import { baseOtRole } from '../../src/crypto/keygen/roles.ts'
import { signSchemas } from '../../src/crypto/sign/messages.ts'
import {
  frostKeygenConsequences,
  frostSignConsequences,
  keygenConsequences,
  malformed,
  type Consequences,
} from '../unit/crypto/consequences.ts'
import { signConsequences } from '../unit/crypto/sign-damage.ts'
import { bitFlips, flipBit, negatePoint } from '../unit/crypto/tamper.ts'
import { group } from './arena.ts'
import { mallory, type Lie } from './lie.ts'
import { sendingWrong } from './lying-party.ts'
import { ecdsaKeygen, ecdsaSign, ending, pair, tell, type Protocol } from './party-protocols.ts'

type Place = Readonly<{ round: number; channel: 'broadcast' | 'direct'; schema: Schema }>

function places(rounds: readonly Readonly<{ broadcast?: Schema; direct?: Schema }>[]): readonly Place[] {
  return rounds.flatMap(({ broadcast, direct }, i): Place[] => [
    ...(broadcast === undefined ? [] : [{ round: i + 1, channel: 'broadcast', schema: broadcast } as const]),
    ...(direct === undefined ? [] : [{ round: i + 1, channel: 'direct', schema: direct } as const]),
  ])
}

/** Which bit of a field to flip so that points stay points, where that is possible, and scalars scalars. */
type ChooseBit = (field: Schema[number], flips: readonly number[]) => number
const inEcdsa: ChooseBit = ({ kind }, [first = 0, , last = 0]) => (kind.startsWith('point') ? first : last)

function fieldLies(
  protocol: Protocol,
  parties: readonly string[],
  places: readonly Place[],
  consequences: Consequences,
  bitOf: ChooseBit,
): readonly Lie[] {
  return places.flatMap((place) =>
    place.schema.flatMap((field): Lie[] => {
      const flips = bitFlips(place.schema).filter((flip) => flip.field === field.name)
      const expected = consequences[`${place.round} ${place.channel} ${field.name}`]
      if (expected === undefined) throw new Error(`no consequence of ${field.name}`)
      const bit = bitOf(
        field,
        flips.map((flip) => flip.bit),
      )
      const { round, channel } = place
      const end = ending(expected)
      // An element of ristretto255 with a bit flipped is none.
      const reasons = field.kind === 'elements' ? (['malformed_message', ...end.end] as const) : end.end
      return [
        {
          ...protocol,
          parties,
          step: `round ${round} ${channel}`,
          name: `a wrong ${field.name} from number ${parties.indexOf(mallory)}`,
          tell,
          liar: sendingWrong({ round, channel }, (body) => spoiled(place.schema, field.name, body, bit)),
          ...end,
          end: reasons as Lie['end'],
        },
      ]
    }),
  )
}

const keygenPlaces = (parties: readonly string[]) => {
  const self = parties.indexOf(mallory)
  const role = baseOtRole(self, 1 - self, 2)
  return places(
    keygenSchemas(2).map(({ broadcast, direct }) => ({ broadcast, ...(direct && { direct: direct[role] }) })),
  )
}

/** Broadcasts are the same whoever sends them; direct messages differ by role. */
const ecdsaFieldLies: readonly Lie[] = [
  ...fieldLies(ecdsaSign, pair, places(signSchemas), signConsequences, inEcdsa),
  ...fieldLies(ecdsaKeygen, pair, keygenPlaces(pair), keygenConsequences, inEcdsa),
  ...fieldLies(
    ecdsaKeygen,
    [mallory, 'alice'],
    keygenPlaces([mallory, 'alice']).filter(({ channel }) => channel === 'direct'),
    keygenConsequences,
    inEcdsa,
  ),
]

const frostFieldLies: readonly Lie[] = (['eddsa-ed25519', 'schnorr-secp256k1'] as const).flatMap((keyType) => {
  const { pointLength } = suiteOf(keyType)
  const isLittleEndian = keyType === 'eddsa-ed25519'
  // The sign of a point, or a low bit of a scalar.
  const bitOf: ChooseBit = ({ name }, [first = 0, , last = 0]) => {
    const isPoint = ['constantCommitment', 'otherCommitments', 'hiding', 'binding'].includes(name)
    if (isPoint) return isLittleEndian ? last : first
    return isLittleEndian ? first : last
  }
  return [
    ...fieldLies(
      { session: 'keygen', keyType },
      pair,
      places(frostKeygenSchemas(2, pointLength)),
      frostKeygenConsequences,
      bitOf,
    ),
    ...fieldLies(
      { session: 'sign', keyType },
      pair,
      places(frostSignSchemas(pointLength)),
      frostSignConsequences,
      bitOf,
    ),
  ]
})

/** To one of two honest parties only: the other one has nothing to complain of. */
const selectiveLies: readonly Lie[] = (
  [
    ['1 direct u', 1, 'direct'],
    ['1 direct tHat', 1, 'direct'],
    ['2 direct tau', 2, 'direct'],
    ['2 direct eta', 2, 'direct'],
    ['2 direct mu', 2, 'direct'],
    ['2 direct mask', 2, 'direct'],
    ['2 direct publicShare', 2, 'direct'],
  ] as const
).map(([key, round, channel]) => {
  const field = key.split(' ')[2] ?? ''
  const schema = signSchemas[round - 1]?.[channel] ?? []
  return {
    ...ecdsaSign,
    parties: group,
    step: `round ${round} ${channel}`,
    name: `a wrong ${field} to bob only`,
    tell,
    liar: sendingWrong({ round, channel, to: 'bob' }, (body) => spoiled(schema, field, body, lastBitOf(schema, field))),
    ...ending(signConsequences[key] ?? malformed),
  }
})

function lastBitOf(schema: Schema, field: string): number {
  const i = schema.findIndex(({ name }) => name === field)
  return 8 * messageLength(schema.slice(0, i + 1)) - 1
}

/** With this bit of a field flipped; an uncompressed point, of which that would leave none, negated. */
function spoiled(schema: Schema, field: string, body: Uint8Array, bit: number): Uint8Array {
  const kind = schema.find(({ name }) => name === field)?.kind
  return kind === 'uncompressed-point' ? negatePoint(schema, field, body) : flipBit(body, bit)
}

export const fieldLiesOfParties: readonly Lie[] = [...ecdsaFieldLies, ...frostFieldLies, ...selectiveLies]
