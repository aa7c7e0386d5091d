/** Messages as JSON Schema, in the JSON that the REST edge reads and writes (src/edge/rest-json.ts). */
import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf'
import { fieldName, type FieldNames } from '../../src/edge/field-names.ts'
import { constraintsOf, requiredFields, type Schema } from './field-rules.ts'
import { descriptionOf } from './proto-files.ts'

export type { Schema }

/** In a request a field is required where the rules say so; in an answer all are there but optional ones. */
export type Direction = 'request' | 'answer'

/** In which directions the messages of a document travel, by their full names. */
type Directions = ReadonlyMap<string, ReadonlySet<Direction>>

/** The component schemas of one document, collected as they are referred to. */
export type Components = Readonly<{
  /** A reference to the schema of `message`; `given` are fields that come from elsewhere, as a path. */
  refer: (message: DescMessage, names: FieldNames, direction: Direction, given?: readonly string[]) => Schema
  schemas: () => Readonly<Record<string, Schema>>
}>

/** What `build` makes of the components, and these. It runs twice: names depend on where else a message is used. */
export function withComponents<T>(build: (components: Components) => T): T {
  const directions = new Map<string, Set<Direction>>()
  build(createComponents(directions, new Map()))
  return build(createComponents(new Map(), directions))
}

function createComponents(used: Map<string, Set<Direction>>, known: Directions): Components {
  const schemas = new Map<string, Schema>()
  const owners = new Map<string, string>()
  const refer: Components['refer'] = (message, names, direction, given = []) => {
    used.set(message.typeName, (used.get(message.typeName) ?? new Set()).add(direction))
    const build = (way: Direction) => messageSchema(message, names, way, given, refer)
    const differs = known.get(message.typeName)?.size === 2 && !isSame(build('request'), build('answer'))
    const name = differs && direction === 'request' ? `${message.name}Input` : message.name
    const owner = `${message.typeName}, ${names}`
    if ((owners.get(name) ?? owner) !== owner) throw new Error(`two schemas are called ${name}`)
    owners.set(name, owner)
    schemas.set(name, build(direction))
    return { $ref: `#/components/schemas/${name}` }
  }
  return { refer, schemas: () => Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))) }
}

/** The schema of a single field without its description, for parameters. */
export function fieldSchema(
  field: DescField,
  names: FieldNames,
  direction: Direction,
  refer: Components['refer'],
): Schema {
  const { value, list } = constraintsOf(field)
  const one = { ...typeOf(field, names, direction, refer), ...value }
  if (field.fieldKind === 'list') return { type: 'array', items: one, ...list }
  return field.fieldKind === 'map' ? { type: 'object', additionalProperties: one } : one
}

function messageSchema(
  message: DescMessage,
  names: FieldNames,
  direction: Direction,
  given: readonly string[],
  refer: Components['refer'],
): Schema {
  const description = descriptionOf(message)
  const properties = message.fields.map(
    (field) => [fieldName(field, names), property(field, names, direction, refer)] as const,
  )
  const needed = direction === 'request' ? requiredFields(message) : null
  const required = message.fields
    .filter((field) => (needed === null ? !isOptional(field) : needed.has(field.name) && !given.includes(field.name)))
    .map((field) => fieldName(field, names))
  return {
    type: 'object',
    ...(description !== undefined && { description }),
    properties: Object.fromEntries(properties),
    ...(required.length > 0 && { required }),
  }
}

function property(field: DescField, names: FieldNames, direction: Direction, refer: Components['refer']): Schema {
  const description = descriptionOf(field)
  return { ...fieldSchema(field, names, direction, refer), ...(description !== undefined && { description }) }
}

/** Zero values are written, so that only fields declared `optional` can be absent from an answer. */
function isOptional(field: DescField): boolean {
  return field.proto.proto3Optional
}

function typeOf(field: DescField, names: FieldNames, direction: Direction, refer: Components['refer']): Schema {
  if (field.message?.typeName === 'google.protobuf.Timestamp') return { type: 'string', format: 'date-time' }
  if (field.message !== undefined) return refer(field.message, names, direction)
  if (field.enum !== undefined) return { type: 'string', enum: field.enum.values.map(({ name }) => name) }
  switch (field.scalar) {
    case ScalarType.STRING:
      return { type: 'string' }
    case ScalarType.BOOL:
      return { type: 'boolean' }
    case ScalarType.BYTES:
      return { type: 'string', contentEncoding: 'base64' }
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return { type: 'number' }
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: 'integer', format: 'int32' }
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: 'integer', format: 'int32', minimum: 0 }
    default:
      // Numbers up to 2^53; what we count and the times we tell stay below.
      return { type: 'integer', format: 'int64' }
  }
}

function isSame(a: Schema, b: Schema): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
