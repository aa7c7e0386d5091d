import { expect, test } from 'vitest'
import { formatUptime } from '../../../src/edge/uptime.ts'

test.each([
  [88_215, '24h30m15s'],
  [0, '0s'],
  [0.999, '0s'],
  [59.9, '59s'],
  [60, '1m0s'],
  [3_599, '59m59s'],
  [3_600, '1h0m0s'],
  [8_640_000, '2400h0m0s'],
])('%f seconds are written %s', (seconds, text) => {
  expect(formatUptime(seconds)).toBe(text)
})
