/** What a member of the key's group can do in the protocol: each field of each message, to all or to one. */
import { frostKeygenSchemas, frostSignSchemas } from '../../src/crypto/frost/messages.ts'
import { suiteOf } from '../../src/crypto/frost/suite.ts'
import { decodeKeyShare } from '../../src/crypto/key-share-codec.ts'
import type { EcdsaSignature } from '../../src/crypto/ecdsa.ts'
import type { Step } from '../../src/crypto/protocol.ts'
import { createSign } from '../../src/crypto/sign/sign.ts'
import { secureRandom } from '../../src/party/clock.ts'
import type { ExecutionHost, ProtocolOutput } from '../../src/party/execution/execution-host.ts'
import { messageLength, type Schema } from '../../src/crypto/codec.ts'
import { keygenSchemas } from '../../src/crypto/keygen/messages.ts'
import { baseOtRole } from '../../src/crypto/keygen/roles.ts'
import { signSchemas } from '../../src/crypto/sign/messages.ts'
import type { FailureReason } from '../../src/party/failure.ts'
import { scalarOf, scalars } from '../unit/crypto/arithmetic.ts'
import {
  frostKeygenConsequences,
  frostSignConsequences,
  keygenConsequences,
  malformed,
  type Consequences,
} from '../unit/crypto/consequences.ts'
import { signConsequences, type Consequence } from '../unit/crypto/sign-damage.ts'
import { bitFlips, flipBit, isMalformed, negatePoint } from '../unit/crypto/tamper.ts'
import { group } from './arena.ts'
import { mallory, type Lie } from './lie.ts'
import { equivocating, sendingWrong, silentAboutFailures, silentIn } from './lying-party.ts'
import { partyCallLies } from './party-call-lies.ts'

type Protocol = Pick<Lie, 'session' | 'keyType'>
type Place = Readonly<{ round: number; channel: 'broadcast' | 'direct'; schema: Schema }>

const ecdsaSign = { session: 'sign', keyType: 'ecdsa-secp256k1' } as const
const ecdsaKeygen = { session: 'keygen', keyType: 'ecdsa-secp256k1' } as const
const pair = ['alice', mallory]
const tell = () => {}

/** How honest parties end when this follows from what mallory sent. */
function ending({ reason, blame, severity }: Consequence): Pick<Lie, 'end' | 'blamed' | 'banned'> {
  // Both spell the same closed set: failure.ts.
  const end = [reason.replaceAll('-', '_') as FailureReason]
  return { end, blamed: blame === 'names the sender' ? [mallory] : [], banned: severity === 'ban' }
}

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
    ['2 direct gammaU', 2, 'direct'],
    ['2 direct gammaV', 2, 'direct'],
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
const ed = { keyType: 'eddsa-ed25519' } as const
const bip340 = { keyType: 'schnorr-secp256k1' } as const
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

const equivocationLies: readonly Lie[] = equivocations.map(([protocol, round, field, schema, told, mayFinish]) => {
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

const silences: readonly Lie[] = (
  [
    [{ session: 'sign', ...ed }, pair, 2],
    [{ session: 'keygen', ...bip340 }, group, 3],
    [ecdsaSign, pair, 3],
    [ecdsaKeygen, pair, 4],
  ] as const
).flatMap(([protocol, parties, rounds]) =>
  Array.from({ length: rounds }, (_, i): Lie => {
    const round = i + 1
    const name = 'says nothing'
    return { ...protocol, parties, step: `round ${round}`, name, tell, liar: silentIn(round), end: ['round_timed_out'] }
  }),
)

const bodies: readonly (readonly [string, (body: Uint8Array) => Uint8Array])[] = [
  ['an empty body', () => new Uint8Array(0)],
  ['a body with a byte too few', (body) => body.slice(1)],
  ['a body with a byte too many', (body) => Uint8Array.from([...body, 0])],
  ['a body of 100 kB', () => new Uint8Array(100_000)],
]
const malformedLies: readonly Lie[] = bodies.flatMap(([name, change]) =>
  (
    [
      [ecdsaSign, 1, 'broadcast'],
      [ecdsaSign, 1, 'direct'],
      [ecdsaSign, 2, 'direct'],
      [ecdsaSign, 3, 'broadcast'],
      [{ session: 'keygen', ...bip340 }, 1, 'broadcast'],
      [{ session: 'keygen', ...bip340 }, 2, 'direct'],
    ] as const
  ).map(([protocol, round, channel]): Lie => {
    const liar = sendingWrong({ round, channel }, change)
    return { ...protocol, parties: pair, step: `round ${round} ${channel}`, name, tell, liar, ...ending(malformed) }
  }),
)

/** An honest run with a share that is not the one the key was made with: every check but the sum passes. */
const wrongShare: Lie = {
  ...ecdsaSign,
  parties: pair,
  step: 'share',
  name: 'signs with another share than its own',
  tell,
  end: ['public_key_mismatch'],
  liar: ({ lied }) => ({ transportChanges: silentAboutFailures, host: signingWithAnotherShare(lied) }),
}

function signingWithAnotherShare(lied: () => void): ExecutionHost {
  return {
    open: async (task) => {
      if (task.protocol !== 'dkls23-sign') throw new Error('not a signing session')
      lied()
      const { protocol, ...params } = task
      const share = decodeKeyShare(task.share)
      const secretShare = scalars.add(share.secretShare, scalarOf(1n))
      const execution = createSign({ ...params, share: { ...share, secretShare } }, secureRandom)
      const step = (taken: Step<EcdsaSignature>): Step<ProtocolOutput> =>
        taken.kind === 'done' ? { kind: 'done', result: { protocol, ...taken.result } } : taken
      return {
        start: async () => step(execution.start()),
        receive: async (round, inbound) => step(execution.receive(round, inbound)),
        close: () => execution.erase(),
      }
    },
    close: async () => {},
  }
}

export const partyLies: readonly Lie[] = [
  ...ecdsaFieldLies,
  ...frostFieldLies,
  ...selectiveLies,
  ...equivocationLies,
  ...silences,
  ...malformedLies,
  wrongShare,
  ...partyCallLies,
]
