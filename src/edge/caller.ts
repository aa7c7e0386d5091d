/** Who is calling: read once from the request's headers, the same for every protocol. */
import { randomBytes, randomUUID } from 'node:crypto'
import { createContextKey, type ContextKey } from '@connectrpc/connect'
import { apiKeyPrefix, type ApiKey, type ApiKeys, type Scope } from './api-keys/api-key.ts'
import { clientAddressHeader } from './client-address.ts'
import { Refusal } from './refusal.ts'

export type Caller = Readonly<{
  openMode: boolean
  /** The bearer token of the Authorization header, verified only where `apiKey` is set. Never log it. */
  bearer: string | null
  apiKey: ApiKey | null
  /** Where the call comes from, as limits count it; empty where no port has told. */
  address: string
  requestId: string
  /** W3C trace id: 32 lowercase hex digits. */
  traceId: string
}>

export type CallerPolicy = Readonly<{ openMode: boolean; apiKeys: Pick<ApiKeys, 'find'> }>

const nobody: Caller = { openMode: false, bearer: null, apiKey: null, address: '', requestId: '', traceId: '' }

/** In a handler: `context.values.get(callerKey)`. */
export const callerKey: ContextKey<Caller> = createContextKey(nobody, { description: 'caller' })

/**
 * The caller of a request. Throws Refusal 'unauthorized' for a bearer that has the form of an API key and is none.
 * Other bearers are left to the services: party credentials mean something only to them.
 */
export function identifyCaller(headers: Headers, policy: CallerPolicy): Caller {
  const caller = readCaller(headers, policy)
  requireKnownKey(caller)
  return caller
}

/** Throws Refusal 'unauthorized' for a bearer that has the form of an API key and is none. */
export function requireKnownKey({ bearer, apiKey }: Caller): void {
  if (apiKey !== null || bearer === null || !bearer.startsWith(apiKeyPrefix)) return
  throw new Refusal('unauthorized', 'the API key is not valid', { Authorization: 'is not a known API key' })
}

/** The caller of a request, also where its API key is none: then `apiKey` is null. */
export function readCaller(headers: Headers, policy: CallerPolicy): Caller {
  const bearer = bearerOf(headers.get('authorization'))
  const isApiKey = bearer !== null && bearer.startsWith(apiKeyPrefix)
  return {
    openMode: policy.openMode,
    bearer,
    apiKey: isApiKey ? policy.apiKeys.find(bearer) : null,
    address: headers.get(clientAddressHeader) ?? '',
    requestId: requestIdOf(headers),
    traceId: traceIdOf(headers.get('traceparent')) ?? randomBytes(16).toString('hex'),
  }
}

/**
 * The caller's name, without a prefix: its API key's, or 'open-mode'. One of the scopes suffices. Throws Refusal
 * 'unauthorized' | 'forbidden'.
 */
export function requireScope(caller: Caller, ...anyOf: readonly Scope[]): string {
  if (caller.openMode) return caller.apiKey?.name ?? 'open-mode'
  const { apiKey } = caller
  if (apiKey === null)
    throw new Refusal('unauthorized', 'an API key is required (Authorization: Bearer mpc_key_…)', {
      Authorization: 'must be an API key',
    })
  if (anyOf.some((scope) => apiKey.scopes.includes(scope))) return apiKey.name
  const lacking = anyOf.map((scope) => `"${scope}"`).join(' or ')
  throw new Refusal('forbidden', `the API key lacks the scope ${lacking}`, { Authorization: `lacks ${lacking}` })
}

/** Headers that let a call to another service be found under the same request and trace. */
export function forwardedHeaders(caller: Caller): Readonly<Record<string, string>> {
  const parentId = randomBytes(8).toString('hex')
  return { 'x-request-id': caller.requestId, traceparent: `00-${caller.traceId}-${parentId}-01` }
}

/** The caller's own X-Request-Id where it is harmless in logs and events, else a fresh one. */
export function requestIdOf(headers: Headers): string {
  const own = headers.get('x-request-id')
  return own !== null && /^[A-Za-z0-9._-]{1,64}$/.test(own) && !/mpc_[a-z]+_/.test(own) ? own : randomUUID()
}

function bearerOf(authorization: string | null): string | null {
  return /^Bearer ([A-Za-z0-9._~+/=-]{1,512})$/i.exec(authorization ?? '')?.[1] ?? null
}

/** W3C Trace Context, section 3.2: version ff and all-zero ids are invalid. */
function traceIdOf(traceparent: string | null): string | null {
  const match = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/.exec(
    traceparent ?? '',
  )
  return match?.[1] ?? null
}
