/** From the rules in proto: a request that keeps them all, and for each rule requests that break just that one. */
import { create, getOption, hasOption, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { fieldName, joinPath, type FieldNames } from '../../../src/edge/field-names.ts'
import { field as fieldRules, Ignore, type FieldRules } from '../../../src/gen/buf/validate/validate_pb.ts'

export type Violation = Readonly<{
  /** As in `details`. */
  path: string
  rule: string
  request: Message
  /** Of the request's own field, by its proto name: a REST path cannot hold an empty one. */
  emptied: string | null
}>

type Values = Record<string, unknown>

export function validRequest(schema: DescMessage): Message {
  return create(schema, validValues(schema))
}

export function violationsOf(schema: DescMessage, names: FieldNames): Violation[] {
  return brokenValues(schema, names).map(({ path, rule, values, emptied }) => {
    return { path, rule, request: create(schema, values), emptied }
  })
}

type Broken = Readonly<{ path: string; rule: string; values: Values; emptied: string | null }>

function brokenValues(schema: DescMessage, names: FieldNames): Broken[] {
  const valid = validValues(schema)
  return schema.fields.flatMap((field) => {
    const own = brokenField(field).map(({ rule, value, inside = '' }) => ({
      path: fieldName(field, names) + inside,
      rule,
      values: { ...valid, [field.localName]: value },
      emptied: value === '' ? field.name : null,
    }))
    const { message } = field
    if (message === undefined || message.file.name.startsWith('google/')) return own
    const isList = field.fieldKind === 'list'
    const inner = brokenValues(message, names).map(({ path, rule, values }) => ({
      path: joinPath(fieldName(field, names) + (isList ? '[0]' : ''), path),
      rule,
      values: { ...valid, [field.localName]: isList ? withFirst(valid[field.localName], values) : values },
      emptied: null,
    }))
    return [...own, ...inner]
  })
}

function withFirst(list: unknown, first: unknown): unknown[] {
  return [first, ...(Array.isArray(list) ? list.slice(1) : [])]
}

function validValues(schema: DescMessage): Values {
  const values: Values = {}
  for (const field of schema.fields) {
    const rules = rulesOf(field)
    if (rules === null) continue
    if (field.fieldKind === 'list' && rules.type.case === 'repeated') {
      values[field.localName] = listOf(field, Number(rules.type.value.minItems))
    } else if (field.fieldKind !== 'list') values[field.localName] = validValue(rules)
  }
  return values
}

function listOf(field: DescField, length: number): unknown[] {
  const items = rulesOf(field)?.type
  const itemRules = items?.case === 'repeated' ? items.value.items : undefined
  return Array.from({ length }, (_, n) => {
    if (field.message !== undefined) return validValues(field.message)
    return itemRules === undefined ? `item-${n}` : validValue(itemRules, n)
  })
}

function validValue({ type }: FieldRules, variant = 0): unknown {
  switch (type.case) {
    case 'string': {
      const { in: allowed, pattern, wellKnown, minLen } = type.value
      if (allowed[0] !== undefined) return allowed[0]
      if (wellKnown.case === 'email') return 'somebody@example.com'
      if (pattern === '') return 'x'.repeat(Math.max(1, Number(minLen)))
      const matching = fc.sample(fc.stringMatching(new RegExp(pattern)), { seed: 7, numRuns: 1_000 })
      return [...new Set(matching.filter((text) => text !== ''))].sort()[variant]
    }
    case 'bytes':
      return new Uint8Array(Number(type.value.len || type.value.minLen))
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'uint64': {
      const { greaterThan } = type.value
      if (greaterThan.case === undefined) return undefined
      return greaterThan.case === 'gte' ? greaterThan.value : add(greaterThan.value, 1)
    }
    case 'repeated':
    case undefined:
      return undefined
  }
}

type BrokenValue = Readonly<{ rule: string; value: unknown; inside?: string }>

function brokenField(field: DescField): BrokenValue[] {
  const rules = rulesOf(field)
  if (rules === null) return []
  const mayBeZero = rules.ignore === Ignore.IF_ZERO_VALUE
  if (rules.type.case !== 'repeated') return brokenScalar(rules).filter(({ value }) => !(mayBeZero && value === ''))
  const { minItems, maxItems, unique, items } = rules.type.value
  const [one] = listOf(field, 1)
  const broken: BrokenValue[] = []
  if (minItems > 0n) broken.push({ rule: 'min_items', value: listOf(field, Number(minItems) - 1) })
  if (maxItems > 0n) broken.push({ rule: 'max_items', value: listOf(field, Number(maxItems) + 1) })
  if (unique) broken.push({ rule: 'unique', value: [one, one] })
  if (items === undefined) return broken
  return [
    ...broken,
    ...brokenScalar(items).map(({ rule, value }) => {
      return { rule: `items.${rule}`, value: withFirst(listOf(field, Number(minItems)), value), inside: '[0]' }
    }),
  ]
}

function brokenScalar({ type }: FieldRules): BrokenValue[] {
  switch (type.case) {
    case 'string': {
      const { in: allowed, pattern, wellKnown, minLen, maxLen } = type.value
      const isBroken = (text: string) => pattern !== '' && !new RegExp(pattern, 'u').test(text)
      const wrong = ['not valid!', '', 'x'.repeat(200), 'ü', 'a\n'].filter(isBroken)
      return [
        ...wrong.map((value) => ({ rule: 'pattern', value })),
        ...(allowed.length > 0 ? [{ rule: 'in', value: 'nonsense' }] : []),
        ...(wellKnown.case === 'email' ? [{ rule: 'email', value: 'nobody' }] : []),
        ...(minLen > 0n ? [{ rule: 'min_len', value: 'x'.repeat(Number(minLen) - 1) }] : []),
        ...(maxLen > 0n ? [{ rule: 'max_len', value: 'x'.repeat(Number(maxLen) + 1) }] : []),
      ]
    }
    case 'bytes': {
      const { len, minLen, maxLen } = type.value
      const longest = Number(len || maxLen)
      const shortest = Number(len || minLen)
      return [
        ...(longest > 0 ? [{ rule: 'max_len', value: new Uint8Array(longest + 1) }] : []),
        ...(shortest > 0 ? [{ rule: 'min_len', value: new Uint8Array(shortest - 1) }] : []),
      ]
    }
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'uint64': {
      const { lessThan, greaterThan } = type.value
      const tooLarge = lessThan.case === 'lte' ? add(lessThan.value, 1) : lessThan.value
      const tooSmall = greaterThan.case === 'gte' ? add(greaterThan.value, -1) : greaterThan.value
      const hasSign = type.case === 'int32' || type.case === 'int64'
      return [
        ...(tooLarge === undefined ? [] : [{ rule: 'upper bound', value: tooLarge }]),
        ...(tooSmall === undefined || (!hasSign && tooSmall < 0) ? [] : [{ rule: 'lower bound', value: tooSmall }]),
      ]
    }
    case 'repeated':
    case undefined:
      return []
  }
}

function add(value: number | bigint, more: number): number | bigint {
  return typeof value === 'bigint' ? value + BigInt(more) : value + more
}

function rulesOf(field: DescField): FieldRules | null {
  return hasOption(field, fieldRules) ? getOption(field, fieldRules) : null
}
