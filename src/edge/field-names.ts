/** How a field is written for people: in JSON bodies and in the `details` of refusals. */
import { getOption, type DescField, type DescService } from '@bufbuild/protobuf'
import type { Path } from '@bufbuild/protobuf/reflect'
import { JsonNames, json_names } from '../gen/mpc/api/v1/options_pb.ts'

export type FieldNames = 'snake_case' | 'camelCase'

/** The spelling that `service` declares with the option mpc.api.v1.json_names. */
export function fieldNamesOf(service: DescService): FieldNames {
  return getOption(service, json_names) === JsonNames.CAMEL_CASE ? 'camelCase' : 'snake_case'
}

export function fieldName(field: DescField, names: FieldNames): string {
  return names === 'camelCase' ? field.jsonName : field.name
}

/** A field path as in `participants[1].party_id` or `join_tokens["party_0"]`. */
export function fieldPath(path: Path, names: FieldNames): string {
  return path.reduce((text, step) => {
    switch (step.kind) {
      case 'field':
        return joinPath(text, fieldName(step, names))
      case 'list_sub':
        return `${text}[${step.index}]`
      case 'map_sub':
        return `${text}[${JSON.stringify(String(step.key))}]`
      case 'oneof':
        return joinPath(text, step.name)
      case 'extension':
        return joinPath(text, `[${step.typeName}]`)
    }
  }, '')
}

export function joinPath(parent: string, child: string): string {
  return parent === '' ? child : `${parent}.${child}`
}
