/** Which address a request comes from: what limits of those are counted by who show no credential. */
import { isIP, isIPv4 } from 'node:net'

/** How the address travels from the port to the call pipeline. A client's own header of this name never gets there. */
export const clientAddressHeader = 'x-mpc-client-address'

/**
 * The peer's address, or with `trustedProxies` of ours in front the entry of X-Forwarded-For that the first of them
 * wrote: each appends the address it was called from, and what a client wrote itself stands further left.
 */
export function clientAddress(peer: string | undefined, forwardedFor: string | null, trustedProxies: number): string {
  const entries = (forwardedFor ?? '').split(',').map((entry) => entry.trim())
  const told = trustedProxies === 0 ? undefined : entries.at(-trustedProxies)
  return networkOf(told !== undefined && isIP(told) !== 0 ? told : (peer ?? ''))
}

/** IPv4 as it is, mapped addresses too; of IPv6 the first 64 bits, which is what one customer gets at least. */
function networkOf(address: string): string {
  const mapped = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (isIPv4(mapped) || isIP(address) === 0) return mapped
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - groups.length - after.length }, () => '0')
  const network = [...groups, ...zeros, ...after].slice(0, 4).map((group) => parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}
