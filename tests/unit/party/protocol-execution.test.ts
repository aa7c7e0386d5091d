import { expect, test, vi } from 'vitest'
import { decodeKeyShare, encodeKeyShare } from '../../../src/crypto/key-share-codec.ts'
import { eraseOtState } from '../../../src/crypto/key-share.ts'
import { createExecutionOf } from '../../../src/party/execution/protocol-execution.ts'
import { createWorkerRuns } from '../../../src/party/execution/worker-runs.ts'
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

test('a share that no run can be made with is overwritten, and the copy that a worker was given as well', () => {
  const share = encodeKeyShare(eraseOtState(shareOf(makeKey(2, 2), 0), 1))
  const common = { sid: hashOf('sid'), self: 0, signers: [0, 1], messageHash: hashOf('m') }
  const task = { protocol: 'dkls23-sign', ...common, share } as const
  const slices = vi.spyOn(Uint8Array.prototype, 'slice')
  expect(() => createExecutionOf(task, seededRng('a'))).toThrow('OT state with party 1 was erased')
  const secret = share.slice(5, 37) // p_i, behind the header of five bytes
  const copies = slices.mock.results.map(({ value }) => value as Uint8Array)
  slices.mockRestore()
  expect(copies.length).toBeGreaterThan(1)
  expect(copies.slice(0, -1).filter((copy) => Buffer.from(copy).includes(Buffer.from(secret)))).toEqual([])
  const answer = createWorkerRuns(seededRng('b'))({ id: 1, call: 'open', run: 1, task })
  expect(answer).toMatchObject({ ok: false })
  expect(share.every((byte) => byte === 0)).toBe(true)
})
