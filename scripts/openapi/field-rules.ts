/** The rules written in proto (buf.validate) as JSON Schema, draft 2020-12. */
import { create, getOption, type DescField, type DescMessage } from '@bufbuild/protobuf'
import { createValidator } from '@bufbuild/protovalidate'
import { field as fieldRules, Ignore, type FieldRules } from '../../src/gen/buf/validate/validate_pb.ts'
import type { Json } from './documented-examples.ts'

export type Schema = Readonly<{ [keyword: string]: Json }>

const validator = createValidator()

/** Names of the fields without which a request is refused: asked of the validator itself, with an empty message. */
export function requiredFields(message: DescMessage): ReadonlySet<string> {
  const result = validator.validate(message, create(message))
  if (result.kind === 'error') throw result.error
  const violations = result.kind === 'invalid' ? result.violations : []
  const firsts = violations.flatMap(({ field: [first] }) => (first?.kind === 'field' ? [first.name] : []))
  return new Set(firsts)
}

/** Keywords for the values of a field; `list` for the list itself where it is one. */
export function constraintsOf(field: DescField): Readonly<{ value: Schema; list: Schema }> {
  const rules = getOption(field, fieldRules)
  if (rules.type.case !== 'repeated') return { value: constraints(rules), list: {} }
  const { minItems, maxItems, unique, items } = rules.type.value
  const list = {
    ...(minItems > 0n && { minItems: Number(minItems) }),
    ...(maxItems > 0n && { maxItems: Number(maxItems) }),
    ...(unique && { uniqueItems: true }),
  }
  return { value: items === undefined ? {} : constraints(items), list }
}

function constraints(rules: FieldRules): Schema {
  const schema = constraintsOfType(rules.type)
  // What is exempt from the rules is the empty text.
  const mayBeEmpty = rules.ignore === Ignore.IF_ZERO_VALUE && rules.type.case === 'string'
  return mayBeEmpty ? { anyOf: [{ const: '' }, schema] } : schema
}

function constraintsOfType(type: FieldRules['type']): Schema {
  switch (type.case) {
    case 'string': {
      const { minLen, maxLen, pattern, in: allowed, wellKnown } = type.value
      return {
        ...(minLen > 0n && { minLength: Number(minLen) }),
        ...(maxLen > 0n && { maxLength: Number(maxLen) }),
        ...(pattern !== '' && { pattern }),
        ...(allowed.length > 0 && { enum: [...allowed] }),
        ...(wellKnown.case !== undefined && { format: wellKnown.case }),
      }
    }
    case 'bytes': {
      const { len, minLen, maxLen } = type.value
      const [least, most] = len > 0n ? [len, len] : [minLen, maxLen]
      return {
        ...(least > 0n && { minLength: base64Length(Number(least), false) }),
        ...(most > 0n && { maxLength: base64Length(Number(most), true) }),
      }
    }
    case 'int32':
    case 'int64':
    case 'uint32':
    case 'uint64': {
      const { lessThan, greaterThan } = type.value
      return {
        ...(greaterThan.case === 'gte' && { minimum: Number(greaterThan.value) }),
        ...(greaterThan.case === 'gt' && { exclusiveMinimum: Number(greaterThan.value) }),
        ...(lessThan.case === 'lte' && { maximum: Number(lessThan.value) }),
        ...(lessThan.case === 'lt' && { exclusiveMaximum: Number(lessThan.value) }),
      }
    }
    case 'repeated':
      throw new Error('a list of lists')
    case undefined:
      return {}
  }
}

/** Characters of `bytes` bytes in base64 (RFC 4648, section 4); the padding may be left out. */
function base64Length(bytes: number, padded: boolean): number {
  return padded ? 4 * Math.ceil(bytes / 3) : Math.ceil((4 * bytes) / 3)
}
