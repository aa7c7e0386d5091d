/** `mpc-system/client` in browsers. */
import { openDeviceHost } from '../party/browser/device-host.ts'
import { createMpc, type Mpc, type MpcOptions, type OpenDeviceHost } from './connect-mpc.ts'
import { invalidArgument } from './mpc-error.ts'

export * from './client.ts'

/** @throws MpcError for a URL that is none. */
export function connectMpc(options: MpcOptions): Mpc {
  return createMpc(options, openBrowserHost)
}

const openBrowserHost: OpenDeviceHost = async (options) => {
  if ('folder' in options) throw invalidArgument('folder', 'a page has no folders: its store is in the database `name`')
  return openDeviceHost(options)
}
