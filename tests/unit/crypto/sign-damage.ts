/** Damage to every field of every message of signing, from the schemas, and how its receiver ends. */
import type { Schema } from '../../../src/crypto/codec.ts'
import type { Abort } from '../../../src/crypto/protocol.ts'
import { signSchemas } from '../../../src/crypto/sign/messages.ts'
import { bitFlips, flipBit, isMalformed, negatePoint } from './tamper.ts'

export type Damage = Readonly<{
  round: number
  channel: 'broadcast' | 'direct'
  schema: Schema
  field: string
  /** `negated`: of a point of which no flipped bit leaves a point. */
  bit: number | 'negated'
}>

/** Outcome of the receiver; `names the sender`: as the one culprit. */
export type Consequence = Readonly<{
  reason: Abort['reason']
  blame: 'names the sender' | 'names nobody'
  severity: Abort['severity']
}>

const nobody = (reason: Abort['reason']): Consequence => ({ reason, blame: 'names nobody', severity: 'retry' })
const sender = (reason: Abort['reason']): Consequence => ({ reason, blame: 'names the sender', severity: 'retry' })
const ban = (reason: Abort['reason']): Consequence => ({ reason, blame: 'names the sender', severity: 'ban' })

/** docs/protocol.md, "When a check fails". */
export const signConsequences: Readonly<Record<string, Consequence>> = {
  '1 broadcast session': nobody('session-mismatch'),
  '1 broadcast commitment': nobody('view-mismatch'),
  '1 direct session': nobody('session-mismatch'),
  '1 direct u': ban('ot-check-failed'),
  '1 direct xHat': ban('ot-check-failed'),
  '1 direct tHat': ban('ot-check-failed'),
  '2 direct session': nobody('session-mismatch'),
  '2 direct view': nobody('view-mismatch'),
  '2 direct nonce': sender('commitment-mismatch'),
  '2 direct salt': sender('commitment-mismatch'),
  '2 direct publicShare': ban('rvole-check-failed'),
  '2 direct psi': nobody('signature-invalid'),
  '2 direct tau': ban('rvole-check-failed'),
  '2 direct mask': ban('rvole-check-failed'),
  '2 direct eta': ban('rvole-check-failed'),
  '2 direct mu': ban('rvole-check-failed'),
  '3 broadcast session': nobody('session-mismatch'),
  '3 broadcast view': nobody('view-mismatch'),
  '3 broadcast u': nobody('signature-invalid'),
  '3 broadcast w': nobody('signature-invalid'),
}

/** A field that is new in a schema is in here at once, and fails until the table above says how it ends. */
export const signDamages: readonly Damage[] = signSchemas.flatMap((schemas, i) =>
  (['broadcast', 'direct'] as const).flatMap((channel) => {
    const schema = schemas[channel]
    if (schema === undefined) return []
    const negations = schema.filter(({ kind }) => kind === 'uncompressed-point').map(({ name }) => ({ field: name }))
    const damages = [...bitFlips(schema), ...negations.map((one) => ({ ...one, bit: 'negated' as const }))]
    return damages.map((damage) => ({ round: i + 1, channel, schema, ...damage }))
  }),
)

export function damaged({ schema, field, bit }: Damage, body: Uint8Array): Uint8Array {
  return bit === 'negated' ? negatePoint(schema, field, body) : flipBit(body, bit)
}

export function placeOf({ round, channel, field }: Pick<Damage, 'round' | 'channel' | 'field'>): string {
  return `${round} ${channel} ${field}`
}

/** How the receiver of `body` with this damage ends. */
export function consequenceOf(damage: Damage, body: Uint8Array): Consequence {
  if (isMalformed(damage.schema, damaged(damage, body))) return sender('malformed-message')
  const found = signConsequences[placeOf(damage)]
  if (found === undefined) throw new Error(`no consequence for ${placeOf(damage)}`)
  return found
}
