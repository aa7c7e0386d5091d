/**
 * What happens around every call, whatever its protocol: the caller is identified before the body is read, messages are
 * validated, refusals are mapped, the unexpected is logged once and hidden, the outcome is counted.
 */
import { createContextKey, type ConnectRouterOptions, type HandlerContext, type Interceptor } from '@connectrpc/connect'
import type { DescMessage, DescMethod, MessageShape } from '@bufbuild/protobuf'
import type { Validator } from '@bufbuild/protovalidate'
import { callerKey, identifyCaller, type CallerPolicy } from './caller.ts'
import { fieldNamesOf } from './field-names.ts'
import type { Logger } from './log.ts'
import type { Metrics, Protocol } from './metrics.ts'
import { blamedOnClient } from './protocol-errors.ts'
import { isInternal, refusalOf, sendableError } from './refusal-error.ts'
import { requireValid } from './validation.ts'

export type CallPipeline = Readonly<{
  policy: CallerPolicy
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

function identify(pipeline: CallPipeline, context: HandlerContext, front: Protocol | undefined): void {
  // Connect's own names for its three protocols are ours too.
  const protocol = front ?? (context.protocolName as Protocol)
  const start = { protocol, startedAtMs: performance.now() }
  try {
    const caller = identifyCaller(context.requestHeader, pipeline.policy)
    context.values.set(callerKey, caller).set(callStartKey, start)
    context.responseHeader.set('x-request-id', caller.requestId)
  } catch (error) {
    finish(pipeline, start, context.method, refusalOf(error).code, '')
    throw sendableError(error)
  }
}

function observeAndRefuse(pipeline: CallPipeline): Interceptor {
  return (next) => async (request) => {
    const start = request.contextValues.get(callStartKey)
    const { requestId } = request.contextValues.get(callerKey)
    const ended = (code: string) => finish(pipeline, start, request.method, code, requestId)
    const failed = (error: unknown) => {
      if (isInternal(error))
        pipeline.log.error({ err: error, requestId, method: methodName(request.method) }, 'call failed')
      ended(refusalOf(error).code)
      return sendableError(error)
    }
    try {
      const response = await next(request)
      if (response.stream) return { ...response, message: watched(response.message, request.signal, ended, failed) }
      ended('ok')
      return response
    } catch (error) {
      throw failed(error)
    }
  }
}

/** The response stream, ended when the call is: also where its handler is slow to notice. */
async function* watched<T>(
  stream: AsyncIterable<T>,
  signal: AbortSignal,
  ended: (code: string) => void,
  failed: (error: unknown) => Error,
): AsyncIterable<T> {
  const iterator = stream[Symbol.asyncIterator]()
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
  })
  aborted.catch(() => undefined)
  signal.addEventListener('abort', onAbort)
  let outcome: string | null = 'cancelled'
  try {
    if (signal.aborted) throw signal.reason
    for (;;) {
      const item = await Promise.race([iterator.next(), aborted])
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
  }
}

function validate(validator: Validator): Interceptor {
  return (next) => (request) => {
    const names = fieldNamesOf(request.service)
    const check = (message: MessageShape<DescMessage>) => requireValid(validator, request.method.input, message, names)
    if (request.stream) return next({ ...request, message: checkedStream(request.message, check) })
    check(request.message)
    return next(request)
  }
}

async function* checkedStream<T>(messages: AsyncIterable<T>, check: (message: T) => void): AsyncIterable<T> {
  try {
    for await (const message of messages) {
      check(message)
      yield message
    }
  } catch (error) {
    throw blamedOnClient(error)
  }
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
