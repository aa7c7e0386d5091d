/**
 * The Go client against a running system: the document's program as it is printed, parties with a protocol of their
 * own, refusals. Without Go only the committed stubs are checked, and the run says so.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { file_mpc_api_v1_error } from '../../src/gen/mpc/api/v1/error_pb.ts'
import { contracts } from './fixtures/contracts.ts'
import { goDescriptors, wireContract } from './fixtures/go-stubs.ts'
import { go, goModule, run, whyNoGo } from './fixtures/go-toolchain.ts'
import { rest } from './fixtures/rest.ts'
import { useSystem } from './fixtures/system.ts'

const hint = 'npm run generate, with Go installed, writes them'

test(`the committed Go stubs have the contract of proto/ (${hint})`, () => {
  const served = contracts.flatMap(({ services }) => services.map(({ file }) => file))
  const wanted = new Set([...served, file_mpc_api_v1_error].map(({ proto }) => proto))
  const stubs = new Map(goDescriptors().map((stub) => [stub.name, stub]))
  for (const file of wanted) {
    const stub = stubs.get(file.name)
    expect(stub && wireContract(stub), file.name).toEqual(wireContract(file))
    expect(stub?.options?.goPackage, file.name).toBe(file.options?.goPackage)
  }
})

const missing = await whyNoGo()
if (missing === null) describe('the Go client', againstTheSystem)
else console.warn(`NOT RUN, ${missing}: the Go client's programs and tests (clients/go)`)

function againstTheSystem(): void {
  const system = useSystem()
  const address = (url: string) => new URL(url).host
  const environment = () => {
    const { services } = system().stack
    return {
      COORDINATOR_ADDR: address(services['session-coordinator'].grpcUrl),
      ROUTER_ADDR: address(services['message-router'].grpcUrl),
      GRPC_ADDRS: contracts.map(({ at }) => address(services[at].grpcUrl)).join(','),
    }
  }

  test('is formatted, vetted, and what the pinned plugins generate', async () => {
    const fresh = mkdtempSync(join(tmpdir(), 'mpc-go-stubs-'))
    try {
      expect(await run('gofmt', ['-l', '.'])).toEqual({ code: 0, stdout: '', stderr: '' })
      expect(await go(['vet', './...'])).toMatchObject({ code: 0 })
      const buf = join(goModule, '..', '..', 'node_modules', '.bin', 'buf')
      expect(await run(buf, ['generate', '--output', fresh])).toMatchObject({ code: 0 })
      const differing = await run('diff', ['-rq', 'api', join(fresh, 'api')])
      expect(differing, hint).toEqual({ code: 0, stdout: '', stderr: '' })
    } finally {
      rmSync(fresh, { recursive: true, force: true })
    }
  })

  test('passes its own tests, none of them skipped', async () => {
    // What a test gives depends on the system, which the test cache knows nothing of.
    const { stdout, stderr } = await go(['test', '-count=1', '-json', './...'], environment())
    const events = stdout.trim().split('\n').map((line) => JSON.parse(line) as GoTestEvent)
    const ended = events.filter(({ Action, Test }) => Test !== undefined && ['pass', 'fail', 'skip'].includes(Action))
    const output = events.map(({ Output }) => Output ?? '').join('')
    expect(ended.filter(({ Action }) => Action !== 'pass').map(({ Test }) => Test), stderr + output).toEqual([])
    expect(events.filter(({ Action }) => Action === 'fail' || Action === 'build-fail'), stderr + output).toEqual([])
    expect(ended.map(({ Test }) => Test)).toContain('TestPartiesWithTheirOwnProtocolCompleteASession')
    console.info(`${ended.length} Go tests passed`)
  })

  test("the document's program creates a session", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mpc-go-program-'))
    try {
      // The program is compiled as it stands but for the address, for which this system has other ports.
      const printed = join(goModule, 'examples', 'quickstart', 'main.go')
      const [moved, overlay] = [join(folder, 'main.go'), join(folder, 'overlay.json')]
      const { COORDINATOR_ADDR } = environment()
      writeFileSync(moved, readFileSync(printed, 'utf8').replace('localhost:50051', COORDINATOR_ADDR))
      writeFileSync(overlay, JSON.stringify({ Replace: { [printed]: moved } }))
      const { code, stdout, stderr } = await go(['run', '-overlay', overlay, './examples/quickstart'])
      const [, id] = /^Session ID: (\S+)\n$/.exec(stdout) ?? []
      expect({ code, id, stderr }).toEqual({ code: 0, id: expect.any(String), stderr: '' })
      const sessions = `${system().stack.services['session-coordinator'].httpUrl}/api/v1/sessions`
      const created = { status: 'created', threshold_n: 3, threshold_t: 2 }
      expect((await rest('GET', `${sessions}/${id}`)).body).toMatchObject(created)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('shows code, message and fields of a refusal', async () => {
    const { stdout, stderr } = await go(['run', './examples/refusals'], environment())
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^InvalidArgument \(invalid_request\): .+\n {2}participants\[1\]\.party_id: .+$/m)
    expect(stdout).toMatch(/^Unauthenticated \(unauthorized\): .+$/m)
    expect(stdout).toMatch(/^NotFound \(not_found\): .+$/m)
  })
}

type GoTestEvent = Readonly<{ Action: string; Test?: string; Output?: string }>
