/** How a page reaches the services: their HTTP ports, over one of the protocols that browsers speak. */
import type { Transport } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web'

export type Protocol = 'Connect' | 'gRPC-web'
export type Services = Readonly<{ coordinatorUrl: string; routerUrl: string; protocol: Protocol }>

export function transportsTo({ coordinatorUrl, routerUrl, protocol }: Services) {
  const to = (baseUrl: string): Transport =>
    protocol === 'Connect'
      ? createConnectTransport({ baseUrl, useBinaryFormat: true })
      : createGrpcWebTransport({ baseUrl })
  return { coordinator: to(coordinatorUrl), router: to(routerUrl) }
}
