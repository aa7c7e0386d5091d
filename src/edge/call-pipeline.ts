/**
 * What happens around every call, whatever its protocol: the caller is identified before the body is read, messages are
 * validated, refusals are mapped, the unexpected is logged once and hidden, the outcome is counted.
 */
import {
  Code,
  ConnectError,
  createContextKey,
  type ConnectRouterOptions,
  type HandlerContext,
  type Interceptor,
} from '@connectrpc/connect'
import type { DescMessage, DescMethod, MessageShape } from '@bufbuild/protobuf'
import type { Validator } from '@bufbuild/protovalidate'
import { Health } from '../gen/grpc/health/v1/health_pb.ts'
import type { Admission } from './admission.ts'
import { accessOf, requireAccess } from './access.ts'
import { callerKey, identifyCaller, readCaller, requestIdOf, type CallerPolicy } from './caller.ts'
import { fieldNamesOf } from './field-names.ts'
import type { Logger } from './log.ts'
import type { Metrics, Protocol } from './metrics.ts'
import { blamedOnClient } from './protocol-errors.ts'
import { invalidField } from './refusal.ts'
import { isInternal, refusalOf, sendableError } from './refusal-error.ts'
import { requireValid } from './validation.ts'

export type CallPipeline = Readonly<{
  policy: CallerPolicy
  admission: Admission
  validator: Validator
  metrics: Metrics
  log: Logger
  maxMessageBytes: number
  shutdownSignal: AbortSignal
}>

type CallStart = Readonly<{ protocol: Protocol; startedAtMs: number }>

const callStartKey = createContextKey<CallStart>({ protocol: 'grpc', startedAtMs: 0 }, { description: 'call start' })

/** Options for a Connect router. `front` names the protocol where the wire does not: REST calls arrive as Connect. */
export function pipelineOptions(pipeline: CallPipeline, front?: Protocol): ConnectRouterOptions {
  return {
    acceptCompression: [],
    readMaxBytes: pipeline.maxMessageBytes,
    shutdownSignal: pipeline.shutdownSignal,
    requestGate: (context) => identify(pipeline, context, front),
    interceptors: [observeAndRefuse(pipeline), validate(pipeline.validator)],
  }
}

async function identify(
  pipeline: CallPipeline,
  context: HandlerContext,
  front: Protocol | undefined,
): Promise<void> {
  const { policy, admission } = pipeline
  const { requestHeader, responseHeader, values } = context
  // Connect's own names for its three protocols are ours too.
  const protocol = front ?? (context.protocolName as Protocol)
  const start = { protocol, startedAtMs: performance.now() }
  // One id for the answer, the log and everything that the call causes.
  const requestId = requestIdOf(requestHeader)
  requestHeader.set('x-request-id', requestId)
  responseHeader.set('x-request-id', requestId)
  try {
    // Health is asked for by what must not be told to wait; so it says nothing of a credential, which could be a guess.
    const isHealth = context.service.typeName === Health.typeName
    if (isHealth) requestHeader.delete('authorization')
    // A REST call has been counted before its body was read.
    const isCounted = protocol !== 'rest' && !isHealth
    const caller = isCounted ? await admission.admit(requestHeader) : identifyCaller(requestHeader, policy)
    requireAccess(caller, accessOf(context.method))
    values.set(callerKey, caller).set(callStartKey, start)
  } catch (error) {
    const { code } = refusalOf(error)
    if (code === 'unauthorized') admission.authenticationFailed(readCaller(requestHeader, policy))
    finish(pipeline, start, context.method, code, requestId)
    throw sendableError(error)
  }
}

function observeAndRefuse(pipeline: CallPipeline): Interceptor {
  return (next) => async (request) => {
    const start = request.contextValues.get(callStartKey)
    const caller = request.contextValues.get(callerKey)
    const { requestId } = caller
    const revoked = new AbortController()
    const ended = (code: string) => {
      // Who was let in once has not guessed.
      if (code === 'unauthorized' && !revoked.signal.aborted) pipeline.admission.authenticationFailed(caller)
      finish(pipeline, start, request.method, code, requestId)
    }
    const failed = (thrown: unknown) => {
      const error = asCancellation(thrown, request.signal)
      if (isInternal(error))
        pipeline.log.error({ err: error, requestId, method: methodName(request.method) }, 'call failed')
      ended(refusalOf(error).code)
      return sendableError(error)
    }
    let closeStream = () => {}
    try {
      if (request.stream) closeStream = pipeline.admission.openStream(caller, (reason) => revoked.abort(reason))
      const response = await unlessOver(() => next(request), request.signal, pipeline.shutdownSignal)
      if (response.stream) {
        const over = AbortSignal.any([request.signal, revoked.signal])
        return { ...response, message: watched(response.message, over, ended, failed, closeStream) }
      }
      ended('ok')
      return response
    } catch (error) {
      closeStream()
      throw failed(error)
    }
  }
}

/** A client may reset its stream for whatever reason: that is not our failure. */
function asCancellation(error: unknown, { aborted, reason }: AbortSignal): unknown {
  return aborted && error === reason && isInternal(error) ? new ConnectError('the client left', Code.Canceled) : error
}

/**
 * What the handler gives, or the reason why nobody waits for it any more: a deadline that passed, a client that left.
 * A service that stops lets its calls end.
 */
function unlessOver<T>(handle: () => Promise<T>, call: AbortSignal, shutdown: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const over = () => (shutdown.aborted ? undefined : reject(call.reason))
    if (call.aborted) return void reject(call.reason)
    call.addEventListener('abort', over)
    void handle()
      .then(resolve, reject)
      .finally(() => call.removeEventListener('abort', over))
  })
}

/** The response stream, ended when the call is: also where its handler is slow to notice. */
async function* watched<T>(
  stream: AsyncIterable<T>,
  signal: AbortSignal,
  ended: (code: string) => void,
  failed: (error: unknown) => Error,
  closed: () => void,
): AsyncIterable<T> {
  const iterator = stream[Symbol.asyncIterator]()
  let giveUp = (_reason: unknown): void => undefined
  const onAbort = () => giveUp(signal.reason)
  signal.addEventListener('abort', onAbort)
  // One promise per item: a race against a promise that lives as long as the stream would keep all items alive with it.
  const next = () =>
    new Promise<IteratorResult<T>>((resolve, reject) => {
      giveUp = reject
      iterator.next().then(resolve, reject)
    })
  let outcome: string | null = 'cancelled'
  try {
    for (;;) {
      if (signal.aborted) throw signal.reason
      const item = await next()
      if (item.done === true) break
      yield item.value
    }
    outcome = 'ok'
  } catch (error) {
    outcome = null
    throw failed(error)
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Not awaited: a generator that waits for something else settles this only when that arrives.
    void iterator.return?.().catch(() => undefined)
    if (outcome !== null) ended(outcome)
    closed()
  }
}

function validate(validator: Validator): Interceptor {
  return (next) => (request) => {
    const names = fieldNamesOf(request.service)
    const check = (message: MessageShape<DescMessage>) => requireValid(validator, request.method.input, message, names)
    if (request.stream) {
      const isSingle = request.method.methodKind === 'server_streaming'
      return next({ ...request, message: checkedStream(request.message, check, isSingle) })
    }
    check(request.message)
    return next(request)
  }
}

async function* checkedStream<T>(
  messages: AsyncIterable<T>,
  check: (message: T) => void,
  isSingle: boolean,
): AsyncIterable<T> {
  let count = 0
  try {
    for await (const message of messages) {
      count++
      if (isSingle && count > 1) break
      check(message)
      yield message
    }
  } catch (error) {
    throw blamedOnClient(error)
  }
  if (isSingle && count !== 1) throw invalidField('body', 'must hold exactly one message')
}

function finish(pipeline: CallPipeline, start: CallStart, method: DescMethod, code: string, requestId: string): void {
  const call = { ...start, method: methodName(method), code, durationMs: performance.now() - start.startedAtMs }
  pipeline.metrics.callFinished(call)
  const { protocol, durationMs } = call
  pipeline.log.debug({ requestId, protocol, method: call.method, code, durationMs }, 'call')
}

function methodName(method: DescMethod): string {
  return `${method.parent.name}/${method.name}`
}
