import { expect, test } from 'vitest'
import vectors from '../../../vectors/frost-2of3.json' with { type: 'json' }
import { frostKeyTypes } from './fixtures.ts'
import { transcribeFrost } from './known-answer.ts'

test.each(frostKeyTypes)('a 2-of-3 key of type %s and a signature are byte for byte as recorded', (keyType) => {
  // A difference here is a change of the wire format or of a hash: parties of both versions cannot work together.
  expect(transcribeFrost(keyType)).toEqual(vectors[keyType])
})
