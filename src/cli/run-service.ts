/** `mpc coordinator|router|party|account`: one service in this process, configured by the environment. */
import { onStopRequest } from './stop-request.ts'
import type { ServiceCommand } from './stack/services.ts'

/** What a service tells the dev stack that started it before it ends. */
export type ServiceReport = Readonly<{ failure: string }>

type Main = (env: NodeJS.ProcessEnv) => Promise<Readonly<{ close: () => Promise<void> }>>

/** A service that cannot end its calls in this time is cut off. */
const closeTimeoutMs = 12_000

const mains: Readonly<Record<ServiceCommand, () => Promise<Readonly<{ main: Main }>>>> = {
  coordinator: () => import('../coordinator/main.ts'),
  router: () => import('../router/main.ts'),
  party: () => import('../party/main.ts'),
  account: () => import('../account/main.ts'),
}

/** Runs until SIGTERM, SIGINT or the end of the stack that started it. Throws what keeps the service from starting. */
export async function runService(command: ServiceCommand): Promise<void> {
  let running: Readonly<{ close: () => Promise<void> }> | null = null
  onStopRequest(async () => {
    if (running === null) return
    setTimeout(() => process.exit(1), closeTimeoutMs).unref()
    await running.close()
  })
  const { main } = await mains[command]()
  running = await main(process.env)
}

/** To the dev stack, if it is our parent. */
export async function reportFailure(failure: string): Promise<void> {
  const report: ServiceReport = { failure }
  if (process.connected) await new Promise((resolve) => process.send?.(report, undefined, undefined, resolve))
}
