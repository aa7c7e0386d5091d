import { execFile, spawn } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { makeKey, recovery, user, useSystem, type OpenedSession } from './fixtures/system.ts'

const commandFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const system = useSystem()
let session: OpenedSession

beforeAll(async () => {
  session = await system().openKeygen()
  await keygen(session)
})

async function keygen(opened: OpenedSession): Promise<void> {
  const open = (name: string, type: string) => system().device(`${name}-${opened.session_id}`, type)
  const devices = await Promise.all([open('phone', user.device_type), open('usb', recovery.device_type)])
  const made = await Promise.all([
    makeKey(devices[0], user.party_id, opened),
    makeKey(devices[1], recovery.party_id, opened),
  ])
  expect(made.map(({ kind }) => kind)).toEqual(['key-made', 'key-made'])
}

type Answer = Readonly<{ code: number; stdout: string; stderr: string }>

/** `mpc audit …` as a person runs it: on the stack's folder, or with `NATS_URL` nowhere. */
function audit(args: readonly string[], data = system().stack.folder): Promise<Answer> {
  const env = { ...process.env, NATS_URL: '', DATABASE_URL: '' }
  return new Promise((resolve) => {
    execFile(process.execPath, [commandFile, 'audit', ...args, '--data', data], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}

const fileNamed = (name: string) => join(system().stack.folder, name)

test('a log is listed, shown, exported and found intact', async () => {
  const listed = await audit(['list', '--json'])
  expect(JSON.parse(listed.stdout)).toContainEqual(
    expect.objectContaining({ sessionId: session.session_id, type: 'keygen', status: 'completed' }),
  )
  const shown = await audit(['show', session.session_id])
  expect(shown.stdout).toMatch(/✓ {2}SESSIONS 1 +SessionCreated/)
  expect(shown.stdout).toMatch(/✓ {2}MESSAGES \d+ +MessageRouted 1 +user_device → all/)
  expect(shown.stdout).toContain('verdict: intact')
  const json = await audit(['show', session.session_id, '--json'])
  const { entries } = JSON.parse(json.stdout) as { entries: { mark: string }[] }
  expect(new Set(entries.map(({ mark }) => mark))).toEqual(new Set(['ok']))

  const intact = (what: RegExp) => ({ code: 0, stdout: expect.stringMatching(what) })
  expect(await audit(['verify', '--all', '--database'])).toMatchObject(intact(/^intact: \d+ session/))
  expect(await audit(['verify', session.session_id])).toMatchObject(intact(/^intact: 1 session,/))
  const file = fileNamed('whole')
  expect(await audit(['export', '-o', file])).toMatchObject({ code: 0 })
  // Offline: nothing runs on this folder.
  expect(await audit(['verify', file], '/nonexistent')).toMatchObject(intact(/^intact/))
  expect((await audit(['list', '--file', file], '/nonexistent')).stdout).toContain(session.session_id)
})

test('an export that was changed or cut is told by exit code 1 and by what is wrong first', async () => {
  const file = fileNamed('changed')
  await audit(['export', session.session_id, '-o', file])
  const lines = readFileSync(file, 'utf8').split('\n')
  const index = lines.findIndex((line) => line.includes('"stream":"MESSAGES"'))
  const sequence = /"sequence":(\d+)/.exec(lines[index] ?? '')?.[1]
  const changed = lines.map((line, i) => (i === index ? line.replace(/(.{20})(.)("})$/, '$1A$3') : line))
  writeFileSync(file, changed.join('\n'))
  const answer = await audit(['verify', file])
  expect(answer.code).toBe(1)
  expect(answer.stdout).toMatch(new RegExp(`^TAMPERED: MESSAGES ${sequence} of session ${session.session_id}: `))

  writeFileSync(file, lines.slice(0, -3).join('\n'))
  expect(await audit(['verify', file])).toMatchObject({ code: 1, stdout: expect.stringMatching(/^TAMPERED: /) })
})

test('what cannot be judged is exit code 2 and one line', async () => {
  const targets = [['no-such-session'], ['no/such/file'], [commandFile]]
  const cases = [[], ['--unheard-of'], ['--all', session.session_id], ...targets]
  for (const args of cases) {
    const answer = await audit(['verify', ...args])
    expect(answer, args.join(' ')).toMatchObject({ code: 2, stdout: '' })
    expect(answer.stderr.trim().split('\n'), args.join(' ')).toHaveLength(1)
  }
  expect(await audit(['verify', '--all'], '/nonexistent')).toMatchObject({ code: 2 })
})

test('an export takes the place of a file only where it is told to, and leaves nothing behind when it fails', async () => {
  const file = fileNamed('kept')
  writeFileSync(file, 'mine')
  const refused = await audit(['export', '-o', file])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/is there already/) })
  expect(readFileSync(file, 'utf8')).toBe('mine')
  expect(await audit(['export', 'no-such-session', '-o', fileNamed('none')])).toMatchObject({ code: 1 })
  expect(readdirSync(system().stack.folder).filter((name) => name.includes('.part') || name === 'none')).toEqual([])
  expect(await audit(['export', '-o', file, '--force'])).toMatchObject({ code: 0 })
  expect(await audit(['verify', file])).toMatchObject({ code: 0 })
})

test('a session is followed until it is over', async () => {
  const opened = await system().openKeygen()
  const args = [commandFile, 'audit', 'show', opened.session_id, '--follow', '--json', '--data', system().stack.folder]
  const env = { ...process.env, NATS_URL: '' }
  const following = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  const first = new Promise<void>((resolve) => {
    following.stdout.on('data', (chunk) => {
      output += String(chunk)
      resolve()
    })
  })
  const ended = new Promise<number | null>((resolve) => following.once('exit', resolve))
  await first
  await keygen(opened)
  expect(await ended).toBe(0)
  const entries = output.trim().split('\n').map((line) => JSON.parse(line) as { kind: string; mark: string })
  expect(entries[0]).toMatchObject({ kind: 'SessionCreated' })
  expect(entries.at(-1)).toMatchObject({ kind: 'SessionCompleted' })
  expect(new Set(entries.map(({ mark }) => mark))).toEqual(new Set(['ok']))
})
