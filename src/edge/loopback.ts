/** Loopback addresses: all that open mode may listen on, and all that it may be called by. */
import { isIPv4 } from 'node:net'

/** True for 127.0.0.0/8, ::1 and localhost (RFC 6761, section 6.3, with its subdomains left out). */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}

/** The host of a Host header (`localhost:8080`, `[::1]:8080`), or null where it is not one. */
export function hostOfHeader(header: string | null): string | null {
  const url = header === null ? null : URL.parse(`http://${header}/`)
  return url === null || url.username !== '' || url.pathname !== '/' ? null : url.hostname
}
