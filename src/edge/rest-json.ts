/**
 * JSON of the REST edge: proto JSON, but with the service's own spelling of names, zero values present, 64-bit integers
 * as numbers, and faults that name the field.
 */
import {
  fromJson,
  ScalarType,
  toJson,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type MessageShape,
} from '@bufbuild/protobuf'
import { fieldName, type FieldNames } from './field-names.ts'
import { findFaults } from './json-faults.ts'
import { isJsonObject } from './json-object.ts'
import { invalidFields } from './validation.ts'

/** The message that `json` describes; unknown fields are ignored. Throws Refusal 'invalid_request' naming fields. */
export function messageFromJson<D extends DescMessage>(
  schema: D,
  json: JsonObject,
  names: FieldNames,
): MessageShape<D> {
  try {
    return fromJson(schema, json, { ignoreUnknownFields: true })
  } catch {
    throw invalidFields(findFaults(schema, json, names, ''))
  }
}

export function messageToJson<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  names: FieldNames,
): JsonValue {
  const json = toJson(schema, message, { alwaysEmitImplicit: true, useProtoFieldName: names === 'snake_case' })
  return withIntegersAsNumbers(schema, json, names)
}

/**
 * 64-bit integers, which proto JSON writes as strings, as JSON numbers. Those beyond 2^53 stay strings: a wrong number
 * is worse. Our own are Unix seconds and log positions.
 */
export function withIntegersAsNumbers(schema: DescMessage, json: JsonValue, names: FieldNames): JsonValue {
  // Well-known types such as Timestamp are strings in JSON.
  if (!isJsonObject(json)) return json
  const converted: JsonObject = { ...json }
  for (const field of schema.fields) {
    const key = fieldName(field, names)
    const value = json[key]
    if (value !== undefined) converted[key] = convertField(field, value, names)
  }
  return converted
}

function convertField(field: DescField, value: JsonValue, names: FieldNames): JsonValue {
  const one = (item: JsonValue) => convertOne(field, item, names)
  if (field.fieldKind === 'list') return Array.isArray(value) ? value.map(one) : value
  if (field.fieldKind !== 'map') return one(value)
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, one(item)])) : value
}

function convertOne(field: DescField, value: JsonValue, names: FieldNames): JsonValue {
  if (field.message !== undefined) return withIntegersAsNumbers(field.message, value, names)
  if (field.scalar === undefined || !integers64.has(field.scalar)) return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

const integers64: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
])
