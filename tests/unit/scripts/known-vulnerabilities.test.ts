/** The real `npm audit` against a registry of the test's own, in a process of its own: npm is waited for. */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { checkKnownVulnerabilities, judgeAudit } from '../../../scripts/known-vulnerabilities.ts'

const cleanUp: (() => unknown)[] = []
afterEach(() => cleanUp.splice(0).forEach((step) => step()))

/** Answers npm's question with `advisories`, or everything with `status` where that is given. */
async function registry(advisories: object, status = 200): Promise<string> {
  const program = `
    const server = require('node:http').createServer((request, response) => {
      const isQuestion = request.url.endsWith('/advisories/bulk')
      response.writeHead(isQuestion ? ${status} : 404, { 'content-type': 'application/json' })
      response.end(isQuestion ? ${JSON.stringify(JSON.stringify(advisories))} : '{}')
    }).listen(0, '127.0.0.1', () => console.log(server.address().port))`
  const child: ChildProcess = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanUp.push(() => child.kill('SIGKILL'))
  if (child.stdout === null) throw new Error('no pipe')
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  return `http://127.0.0.1:${String(port).trim()}/`
}

function project(): string {
  const root = mkdtempSync(join(tmpdir(), 'mpc-audit-'))
  cleanUp.push(() => rmSync(root, { recursive: true }))
  const own = { name: 'audited', version: '1.0.0', dependencies: { victim: '1.2.3' } }
  const packages = { '': own, 'node_modules/victim': { version: '1.2.3' } }
  writeFileSync(join(root, 'package.json'), JSON.stringify(own))
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ ...own, lockfileVersion: 3, requires: true, packages }))
  return root
}

/** npm remembers advisories by their number, from one run to the next. */
const advisory = (severity: string) => ({
  victim: [
    {
      id: randomInt(2 ** 40),
      url: 'https://advisories.example/1',
      title: 'reads any file',
      severity,
      vulnerable_versions: '<2.0.0',
    },
  ],
})

test.each(['high', 'critical'])('a known vulnerability of severity %s is a problem', async (severity) => {
  const problems = checkKnownVulnerabilities(project(), await registry(advisory(severity)))
  expect(problems).toEqual([expect.stringMatching(new RegExp(`^victim: ${severity}: reads any file, https://`))])
})

test('a lesser one is none', async () => {
  expect(checkKnownVulnerabilities(project(), await registry(advisory('moderate')))).toEqual([])
})

test('a registry that knows of nothing leaves nothing to say', async () => {
  expect(checkKnownVulnerabilities(project(), await registry({}))).toEqual([])
})

test('a registry that does not answer the question has not said that all is well', async () => {
  const result = checkKnownVulnerabilities(project(), await registry({}, 405))
  expect(result).toEqual({ unanswered: expect.stringMatching(/405/) })
})

test.each(['', 'not JSON', '{}'])('neither has an npm that prints %j', (stdout) => {
  expect(judgeAudit(stdout)).toHaveProperty('unanswered')
})
