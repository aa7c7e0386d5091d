import { expect, test } from 'vitest'
import { parseNatsAddress } from '../../../src/events/nats-address.ts'

test('user and password of a NATS URL are used, also where they need escaping', () => {
  expect(parseNatsAddress('nats://router:p%40ss@nats.example:4222')).toEqual({
    servers: ['nats.example:4222'],
    user: 'router',
    pass: 'p@ss',
  })
})

test('a user alone is a token', () => {
  expect(parseNatsAddress('nats://s3cret@127.0.0.1:4222')).toEqual({ servers: ['127.0.0.1:4222'], token: 's3cret' })
})

test('several servers share the credentials of the first that has them', () => {
  const address = parseNatsAddress('nats://a:1, nats://u:p@b:2, c:3')
  expect(address).toEqual({ servers: ['a:1', 'b:2', 'c:3'], user: 'u', pass: 'p' })
})

test('tls:// insists on TLS', () => {
  expect(parseNatsAddress('tls://nats.example:4222').tls).toEqual({})
  expect(parseNatsAddress('nats://nats.example:4222')).not.toHaveProperty('tls')
})

test.for(['', 'nats://', 'http://host:1', 'nats://u:hidden@host:notaport'])('%j is refused without being shown', (text) => {
  expect(() => parseNatsAddress(text)).toThrow('the NATS URL must be nats://host:port')
  expect(() => parseNatsAddress(text)).not.toThrow('hidden')
})
