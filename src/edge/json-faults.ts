/** Why a JSON object does not decode to a message: all wrong fields with their paths, where the decoder tells one. */
import {
  fromJson,
  ScalarType,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
} from '@bufbuild/protobuf'
import { fieldName, joinPath, type FieldNames } from './field-names.ts'
import { isJsonObject } from './json-object.ts'

export type Fault = readonly [field: string, problem: string]

/** Which fields of a JSON object that does not decode are to blame: those that do not decode alone either. */
export function findFaults(schema: DescMessage, json: JsonObject, names: FieldNames, path: string): Fault[] {
  return schema.fields.flatMap((field) => {
    const fieldAt = joinPath(path, fieldName(field, names))
    const given = [...new Set([field.name, field.jsonName])].flatMap((key) => {
      const value = json[key]
      return value === undefined ? [] : [{ key, value }]
    })
    if (given.length > 1) return [[fieldAt, 'must be given once'] as const]
    return given.flatMap(({ key, value }) =>
      decodes(schema, key, value) ? [] : narrow(schema, field, key, value, names, fieldAt),
    )
  })
}

function narrow(
  schema: DescMessage,
  field: DescField,
  key: string,
  value: JsonValue,
  names: FieldNames,
  path: string,
): Fault[] {
  if (field.fieldKind === 'list') {
    if (!Array.isArray(value)) return [[path, 'must be a list']]
    return value.flatMap((item, index) => {
      const itemPath = `${path}[${index}]`
      return decodes(schema, key, [item]) ? [] : narrowOne(field, item, names, itemPath)
    })
  }
  if (field.fieldKind === 'map') return [[path, 'must be an object with values of the right type']]
  return narrowOne(field, value, names, path)
}

function narrowOne(field: DescField, value: JsonValue, names: FieldNames, path: string): Fault[] {
  const inner = field.message !== undefined && isJsonObject(value) ? findFaults(field.message, value, names, path) : []
  return inner.length > 0 ? inner : [[path, expectation(field)]]
}

function decodes(schema: DescMessage, key: string, value: JsonValue): boolean {
  try {
    fromJson(schema, { [key]: value }, { ignoreUnknownFields: true })
    return true
  } catch {
    return false
  }
}

function expectation(field: DescField): string {
  if (field.message !== undefined) return 'must be an object'
  if (field.enum !== undefined) return 'must be the name of an enum value'
  switch (field.scalar) {
    case ScalarType.STRING:
      return 'must be a string'
    case ScalarType.BOOL:
      return 'must be true or false'
    case ScalarType.BYTES:
      return 'must be a base64 string'
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return 'must be a number'
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return 'must be a 32-bit integer'
    default:
      return 'must be an integer in range'
  }
}
