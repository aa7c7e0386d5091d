/** Which credential an operation asks for: what its method declares in proto. In open mode none is needed. */
import type { DescMethod } from '@bufbuild/protobuf'
import { accessOf } from '../../src/edge/access.ts'
import type { Schema } from './schema.ts'

const openMode: Schema = {}

/** An API key comes with the scope that it needs (OpenAPI 3.1: the roles of a scheme). */
export function securityOf(method: DescMethod): Schema[] {
  const { scopes, parties, anyone } = accessOf(method)
  if (anyone) return []
  return [
    ...scopes.map((scope) => ({ apiKey: [scope] })),
    ...(parties ? [{ partyCredential: [] }] : []),
    openMode,
  ]
}
