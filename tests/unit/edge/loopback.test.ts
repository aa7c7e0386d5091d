import { expect, test } from 'vitest'
import { hostOfHeader, isLoopbackHost } from '../../../src/edge/loopback.ts'

test.each(['127.0.0.1', '127.1.2.3', '::1', '[::1]', 'localhost', 'LOCALHOST'])('%s is loopback', (host) => {
  expect(isLoopbackHost(host)).toBe(true)
})

test.each([
  '0.0.0.0',
  '::',
  '10.0.0.1',
  '127.0.0.1.evil.example',
  '127.evil',
  'localhost.evil.example',
  'example',
  '',
  '128.0.0.1',
])('"%s" is not loopback', (host) => {
  expect(isLoopbackHost(host)).toBe(false)
})

test.each([
  ['localhost:8080', 'localhost'],
  ['[::1]:8080', '[::1]'],
  ['127.0.0.1', '127.0.0.1'],
  ['evil.example', 'evil.example'],
  ['localhost@evil.example', null],
  ['evil.example/localhost', null],
  ['a b', null],
  [null, null],
])('the host of the header %s is %s', (header, host) => {
  expect(hostOfHeader(header)).toBe(host)
})
