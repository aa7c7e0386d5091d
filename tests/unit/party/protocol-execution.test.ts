import { expect, test } from 'vitest'
import { decodeKeyShare, encodeKeyShare } from '../../../src/crypto/key-share-codec.ts'
import { createExecutionOf } from '../../../src/party/execution/protocol-execution.ts'
import { hashOf, makeKey, seededRng, shareOf } from '../crypto/fixtures.ts'
import { runProtocol } from '../crypto/run-protocol.ts'

test('a share that key generation returned stays whole when the run is erased', () => {
  const sid = hashOf('sid')
  const parties = [0, 1].map((self) =>
    createExecutionOf({ protocol: 'dkls23-keygen', sid, self, threshold: 2, parties: 2 }, seededRng(`party ${self}`)),
  )
  const [end] = runProtocol(parties).ends
  if (end?.kind !== 'done' || end.result.protocol !== 'dkls23-keygen') throw new Error('no key was made')
  parties[0]?.erase()
  expect(encodeKeyShare(decodeKeyShare(end.result.share))).toEqual(end.result.share)
})

test('erasing a signing run leaves the stored share alone and the run unusable', () => {
  const share = encodeKeyShare(shareOf(makeKey(2, 2), 0))
  const before = share.slice()
  const task = {
    protocol: 'dkls23-sign',
    sid: hashOf('sid'),
    self: 0,
    signers: [0, 1],
    messageHash: hashOf('m'),
    share,
  } as const
  const run = createExecutionOf(task, seededRng('a'))
  run.start()
  run.erase()
  expect(share).toEqual(before)
  expect(run.start()).toMatchObject({ kind: 'abort' })
})
