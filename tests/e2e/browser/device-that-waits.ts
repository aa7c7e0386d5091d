/** A device that holds a session in its middle until the test lets it go on. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openDevice, type Device } from '../../../src/cli/device.ts'
import type { ExecutionHost } from '../../../src/party/execution/execution-host.ts'
import { createWorkerHost } from '../../../src/party/node/worker-host.ts'
import type { Participant, System } from '../fixtures/system.ts'

/** It sends its first round, and nothing more before `goOn`. */
export async function deviceThatWaits(
  { stack }: System,
  { device_type: deviceType, device_id: deviceId }: Participant,
): Promise<Readonly<{ device: Device; goOn: () => void }>> {
  const { promise: released, resolve: goOn } = Promise.withResolvers<void>()
  const workers = createWorkerHost({ workers: 1 })
  const host: ExecutionHost = {
    ...workers,
    open: async (task) => {
      const run = await workers.open(task)
      return {
        ...run,
        receive: async (round, inbound) => {
          await released
          return run.receive(round, inbound)
        },
      }
    },
  }
  const device = await openDevice({
    deviceType,
    deviceId,
    folder: join(stack.folder, 'devices', randomUUID()),
    coordinatorUrl: stack.services['session-coordinator'].grpcUrl,
    routerUrl: stack.services['message-router'].grpcUrl,
    host,
  })
  onTestFinished(async () => {
    device.close()
    await workers.close()
  })
  return { device, goOn }
}
