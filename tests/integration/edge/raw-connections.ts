/** A sample service and bare connections to it, all of which are closed after each test. */
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect as connectTcp, type Socket } from 'node:net'
import type { ConnectRouter } from '@connectrpc/connect'
import { afterEach } from 'vitest'
import { serveSample, type Sample } from './sample-service.ts'

type Connection = Socket | ClientHttp2Session

const open: Connection[] = []
const samples: Sample[] = []

afterEach(async () => {
  open.splice(0).forEach((connection) => connection.destroy())
  for (const sample of samples.splice(0)) await sample.close()
})

export async function serveUntilEnd(env: NodeJS.ProcessEnv, routes?: (router: ConnectRouter) => void): Promise<Sample> {
  const sample = await serveSample({ env, ...(routes !== undefined && { definition: { routes } }) })
  samples.push(sample)
  return sample
}

function keep<C extends Connection>(connection: C): C {
  connection.on('error', () => undefined)
  open.push(connection)
  return connection
}

export function openTcp(url: string): Socket {
  const { hostname, port } = new URL(url)
  return keep(connectTcp(Number(port), hostname))
}

export function openHttp2(url: string): ClientHttp2Session {
  return keep(connectHttp2(url))
}

/** How often a limit has refused something. */
export async function limitedCount({ httpUrl }: Sample, limit: string): Promise<number> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text()
  return Number(new RegExp(`^mpc_limited_total\\{limit="${limit}"\\S* (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}

const head = { ':method': 'POST', 'content-type': 'application/grpc' }

/** Headers of gRPC calls. */
export const grpcHeads = {
  unary: { ...head, ':path': '/mpc.coordinator.v1.SessionCoordinator/GetSessionStatus' },
  watch: { ...head, ':path': '/mpc.coordinator.v1.SessionFeed/WatchSession' },
  subscribe: { ...head, ':path': '/mpc.router.v1.MessageRouter/SubscribeMessages' },
}
