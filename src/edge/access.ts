/**
 * Who may call a method, as its declaration in proto says (mpc.api.v1.access): API keys are checked here, for every
 * method alike and before its message is looked at. Credentials of parties mean something to the services only.
 */
import { getOption, hasOption, type DescMethod, type DescService } from '@bufbuild/protobuf'
import { Health } from '../gen/grpc/health/v1/health_pb.ts'
import { ServerReflection } from '../gen/grpc/reflection/v1/reflection_pb.ts'
import { access } from '../gen/mpc/api/v1/options_pb.ts'
import { scopes as knownScopes, type Scope } from './api-keys/api-key.ts'
import { requireScope, type Caller } from './caller.ts'
import { Refusal } from './refusal.ts'

export type Access = Readonly<{
  /** One of them suffices. */
  scopes: readonly Scope[]
  parties: boolean
  anyone: boolean
}>

const everybody: Access = { scopes: [], parties: false, anyone: true }
/** Health is no secret, and reflection is an operator's choice. Their protos are not ours to write in. */
const openServices: ReadonlySet<string> = new Set([Health.typeName, ServerReflection.typeName])
const declared = new Map<DescMethod, Access>()

/** Throws for a method that declares nothing, or a scope that nobody can have: a mistake in proto. */
export function accessOf(method: DescMethod): Access {
  const known = declared.get(method)
  if (known !== undefined) return known
  const found = openServices.has(method.parent.typeName) ? everybody : readAccess(method)
  declared.set(method, found)
  return found
}

export function requireDeclaredAccess(services: readonly DescService[]): void {
  for (const service of services) service.methods.forEach(accessOf)
}

/** Throws Refusal 'unauthorized' | 'forbidden'. Who may only be a party is left to the service. */
export function requireAccess(caller: Caller, { scopes, parties, anyone }: Access): void {
  if (caller.openMode || anyone) return
  const isPerhapsParty = parties && caller.bearer !== null && caller.apiKey === null
  if (isPerhapsParty) return
  if (scopes.length > 0) requireScope(caller, ...scopes)
  else throw partyRequired()
}

function partyRequired(): Refusal {
  return new Refusal('unauthorized', 'the credential of a party is required (Authorization: Bearer mpc_party_…)', {
    Authorization: 'must be the credential of a party',
  })
}

function readAccess(method: DescMethod): Access {
  if (!hasOption(method, access)) throw new Error(`${method.toString()} does not declare (mpc.api.v1.access)`)
  const { scopes, parties, anyone } = getOption(method, access)
  const unknown = scopes.filter((scope) => !isScope(scope))
  if (unknown.length > 0) throw new Error(`${method.toString()}: no API key has the scope ${unknown.join(', ')}`)
  if (scopes.length === 0 && !parties && !anyone) throw new Error(`${method.toString()} lets nobody call it`)
  return { scopes: scopes.filter(isScope), parties, anyone }
}

function isScope(scope: string): scope is Scope {
  return knownScopes.some((known) => known === scope)
}
