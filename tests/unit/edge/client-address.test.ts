import { describe, expect, test } from 'vitest'
import { clientAddress } from '../../../src/edge/client-address.ts'

describe('the address of a client', () => {
  test.each([
    ['is its peer without proxies', '192.0.2.1', '203.0.113.9', 0, '192.0.2.1'],
    ['is what the one proxy appended', '192.0.2.1', '198.51.100.1, 203.0.113.9', 1, '203.0.113.9'],
    ['is what the outer of two proxies appended', '192.0.2.1', 'x, 203.0.113.9, 192.0.2.2', 2, '203.0.113.9'],
    ['is its peer where a proxy wrote too little', '192.0.2.1', '203.0.113.9', 2, '192.0.2.1'],
    ['is its peer where the header has none', '192.0.2.1', 'unknown', 1, '192.0.2.1'],
    ['is its peer where the header is absent', '192.0.2.1', null, 1, '192.0.2.1'],
    ['is IPv4 where it came mapped to IPv6', '::ffff:192.0.2.1', null, 0, '192.0.2.1'],
    ['is empty where nobody knows it', undefined, null, 0, ''],
  ])('%s', (_, peer, forwardedFor, proxies, expected) => {
    expect(clientAddress(peer, forwardedFor, proxies)).toBe(expected)
  })

  test.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('in IPv6 is the network of %s', (peer, network) => {
    expect(clientAddress(peer, null, 0)).toBe(network)
  })
})
