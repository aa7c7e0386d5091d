/** Services in memory behind a real `fetch`: requests and answers are those of the wire. */
import { createConnectRouter, type ConnectRouter } from '@connectrpc/connect'
import { universalServerRequestFromFetch, universalServerResponseToFetch } from '@connectrpc/connect/protocol'
import { connectMpc, type Mpc, type MpcOptions } from '../../../src/client/node.ts'

export type Asked = Readonly<{ method: string; headers: Headers; signal: AbortSignal }>

export type Services = Readonly<{
  mpc: Mpc
  /** The requests so far, in order. */
  asked: readonly Asked[]
}>

/** `before` may answer, or fail, in place of a service. */
export function servicesWith(
  routes: (router: ConnectRouter) => void,
  options: Partial<MpcOptions> = {},
  before: (asked: number) => Response | undefined = () => undefined,
): Services {
  const router = createConnectRouter()
  routes(router)
  const asked: Asked[] = []
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    const path = new URL(request.url).pathname
    const handler = router.handlers.find(({ requestPath }) => requestPath === path)
    if (handler === undefined) return new Response(null, { status: 404 })
    asked.push({ method: path.split('/').at(-1) ?? '', headers: request.headers, signal: request.signal })
    request.signal.throwIfAborted()
    const replaced = before(asked.length)
    if (replaced !== undefined) return replaced
    const call = universalServerRequestFromFetch(request, { httpVersion: '1.1' })
    return universalServerResponseToFetch(await handler(call))
  }
  const urls = { coordinatorUrl: 'http://c', routerUrl: 'http://r', accountUrl: 'http://a' }
  return { mpc: connectMpc({ ...urls, fetch, ...options }), asked }
}
