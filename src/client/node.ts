/** `mpc-system/client` in Node. */
import { openDeviceHost } from '../party/node/device-host.ts'
import { createMpc, type Mpc, type MpcOptions, type OpenDeviceHost } from './connect-mpc.ts'
import { invalidArgument } from './mpc-error.ts'

export * from './client.ts'

/** @throws MpcError for a URL that is none. */
export function connectMpc(options: MpcOptions): Mpc {
  return createMpc(options, openNodeHost)
}

const secretLength = 32

const openNodeHost: OpenDeviceHost = async (options) => {
  if (!('folder' in options)) throw invalidArgument('folder', 'a device in Node keeps its store in a folder')
  for (const secret of ['identitySeed', 'kek'] as const) {
    if (options[secret].length !== secretLength) throw invalidArgument(secret, 'must be 32 bytes')
  }
  return openDeviceHost(options)
}
