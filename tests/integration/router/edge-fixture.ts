/** The router as its process runs it, on free ports, and a WebSocket client that keeps what it received. */
import { once } from 'node:events'
import { WebSocket, type ClientOptions } from 'ws'
import type { RunningService } from '../../../src/edge/serve.ts'
import { main } from '../../../src/router/main.ts'

export type Frame = Readonly<Record<string, unknown>>

export type Socket = Readonly<{
  socket: WebSocket
  frames: readonly Frame[]
  closed: Promise<Readonly<{ code: number; reason: string }>>
  /** Resolves when so many frames are there. */
  received: (count: number) => Promise<readonly Frame[]>
}>

export async function startRouter(natsUrl: string, env: NodeJS.ProcessEnv = {}): Promise<RunningService> {
  return main({
    NATS_URL: natsUrl,
    MPC_HOST: '127.0.0.1',
    MPC_GRPC_PORT: '0',
    MPC_HTTP_PORT: '0',
    MPC_LOG_LEVEL: 'silent',
    ...env,
  })
}

export function webSocketUrl(router: Pick<RunningService, 'httpUrl'>, query: Readonly<Record<string, string>>): string {
  const url = new URL(`/api/v1/messages/subscribe?${new URLSearchParams(query)}`, router.httpUrl)
  url.protocol = 'ws:'
  return url.href
}

export async function openSocket(
  router: Pick<RunningService, 'httpUrl'>,
  query: Readonly<Record<string, string>>,
  options: ClientOptions & { protocols?: string[] } = {},
): Promise<Socket> {
  const socket = new WebSocket(webSocketUrl(router, query), options.protocols ?? [], options)
  const frames: Frame[] = []
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) throw new Error('frames are text')
    frames.push(JSON.parse(data.toString('utf8')) as Frame)
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') }))
  })
  await once(socket, 'open')
  const received = async (count: number): Promise<readonly Frame[]> => {
    while (frames.length < count) await once(socket, 'message')
    return frames
  }
  return { socket, frames, closed, received }
}

/** What a refused upgrade is answered with. */
export async function refusedSocket(
  router: Pick<RunningService, 'httpUrl'>,
  query: Readonly<Record<string, string>>,
  options: ClientOptions = {},
): Promise<Readonly<{ status: number; body: string }>> {
  const socket = new WebSocket(webSocketUrl(router, query), options)
  return new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('the upgrade was not refused')))
    socket.once('error', reject)
    socket.once('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')))
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
  })
}

/** The value at /metrics under a name and all the labels given; 0 where there is none. */
export async function metricOf(router: RunningService, name: string, ...labels: readonly string[]): Promise<number> {
  const text = await (await fetch(`${router.httpUrl}/metrics`)).text()
  const line = text
    .split('\n')
    .find((one) => one.startsWith(`${name}{`) && labels.every((label) => one.includes(label)))
  return Number(line?.split(' ').at(-1) ?? 0)
}
