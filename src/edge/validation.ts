/** The rules written in proto (buf.validate), enforced for every message of every protocol. */
import { create, type DescMessage, type DescService, type MessageShape } from '@bufbuild/protobuf'
import { createValidator, type Validator } from '@bufbuild/protovalidate'
import { fieldPath, type FieldNames } from './field-names.ts'
import { Refusal } from './refusal.ts'

/**
 * A validator that has compiled the rules of all `services`: the first validation of a message costs milliseconds.
 * Throws where a rule cannot be compiled.
 */
export function createRequestValidator(services: readonly DescService[]): Validator {
  const validator = createValidator({ regexMatch: createRegexMatcher() })
  for (const method of services.flatMap((service) => service.methods)) {
    const { kind, error } = validator.validate(method.input, create(method.input))
    if (kind === 'error') throw error
  }
  return validator
}

/** Throws Refusal 'invalid_request' with one entry in `details` per broken field. */
export function requireValid<D extends DescMessage>(
  validator: Validator,
  schema: D,
  message: MessageShape<D>,
  names: FieldNames,
): void {
  const result = validator.validate(schema, message)
  if (result.kind === 'valid') return
  if (result.kind === 'error') throw result.error
  throw invalidFields(
    result.violations.map((violation) => [fieldPath(violation.field, names), violation.message] as const),
  )
}

/** Over gRPC all details travel in the trailers, of which clients take some kilobytes. */
const maxDetails = 32

/** The refusal for wrong fields, the first ones where there are many. Of a field's problems the first one is kept. */
export function invalidFields(faults: readonly (readonly [field: string, problem: string])[]): Refusal {
  const details = new Map<string, string>()
  for (const [field, problem] of faults) {
    const name = field === '' ? 'request' : field
    if (details.size < maxDetails && !details.has(name)) details.set(name, problem)
  }
  const [first] = details
  const summary = first === undefined ? 'the request is not valid' : `${first[0]}: ${first[1]}`
  return new Refusal('invalid_request', summary, Object.fromEntries(details))
}

/**
 * Patterns come only from our proto files and have neither nested repetition nor alternatives that overlap, so the
 * platform's RegExp is safe and many times faster than the validator's RE2.
 */
function createRegexMatcher(): (pattern: string, text: string) => boolean {
  const compiled = new Map<string, RegExp>()
  return (pattern, text) => {
    let regex = compiled.get(pattern)
    if (regex === undefined) compiled.set(pattern, (regex = new RegExp(pattern, 'u')))
    return regex.test(text)
  }
}
