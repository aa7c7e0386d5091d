import { expect, test } from 'vitest'
import vector from '../../vectors/dkls23-2of3.json' with { type: 'json' }
import { transcribe } from './known-answer.ts'

test('a 2-of-3 key generation and a signature under fixed randomness are byte for byte as recorded', () => {
  // A difference here is a change of the wire format or of a hash: parties of both versions cannot work together.
  // To record a deliberate one, write what `transcribe` returns into the vector and raise the protocol's version.
  expect(transcribe()).toEqual(vector)
})
