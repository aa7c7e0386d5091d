import { expect, test } from 'vitest'
import { Attendance } from '../../../src/party/server/attendance.ts'

const invitation = (sessionId: string) => ({ sessionId, partyId: 'server', joinToken: 'token' })

function attendance(limits: { running: number; waiting: number; remembered: number }) {
  const ends: (() => void)[] = []
  const attended: string[] = []
  const subject = new Attendance(async ({ sessionId }) => {
    attended.push(sessionId)
    await new Promise<void>((resolve) => ends.push(resolve))
  }, limits)
  return { subject, attended, endFirst: () => ends.shift()?.() }
}

test('an invitation is followed once, however often it is repeated', () => {
  const { subject, attended } = attendance({ running: 2, waiting: 2, remembered: 10 })
  expect(['a', 'a', 'b', 'a'].map((id) => subject.invite(invitation(id)))).toEqual([
    'accepted',
    'repeated',
    'accepted',
    'repeated',
  ])
  expect(attended).toEqual(['a', 'b'])
})

test('sessions over the limit wait for their turn, further ones are dropped until there is room', async () => {
  const { subject, attended, endFirst } = attendance({ running: 1, waiting: 1, remembered: 10 })
  expect(['a', 'b', 'c'].map((id) => subject.invite(invitation(id)))).toEqual(['accepted', 'accepted', 'dropped'])
  expect(attended).toEqual(['a'])
  endFirst()
  await expect.poll(() => attended).toEqual(['a', 'b'])
  expect(subject.invite(invitation('c'))).toBe('accepted')
})

test('a session of an earlier process is not joined again', () => {
  const { subject, attended } = attendance({ running: 1, waiting: 1, remembered: 10 })
  subject.exclude('a')
  expect(subject.invite(invitation('a'))).toBe('repeated')
  expect(attended).toEqual([])
})

test('closing waits for what runs and drops what waits', async () => {
  const { subject, attended, endFirst } = attendance({ running: 1, waiting: 5, remembered: 10 })
  subject.invite(invitation('a'))
  subject.invite(invitation('b'))
  const closing = subject.close()
  endFirst()
  await closing
  expect(attended).toEqual(['a'])
  expect(subject.invite(invitation('c'))).toBe('dropped')
})
