/** What the thread of the runtime and a worker say to each other. */
import type { Inbound } from '../../crypto/protocol.ts'
import type { ProtocolTask } from './execution-host.ts'

export type WorkerCall =
  | Readonly<{ call: 'open'; run: number; task: ProtocolTask }>
  | Readonly<{ call: 'start'; run: number }>
  | Readonly<{ call: 'receive'; run: number; round: number; inbound: readonly Inbound[] }>
  | Readonly<{ call: 'close'; run: number }>

/** `id` is null where no answer is wanted. */
export type WorkerRequest = Readonly<{ id: number | null }> & WorkerCall

export type WorkerAnswer =
  /** `value` is what the call returned: nothing, or a step. */
  Readonly<{ id: number; ok: true; value: unknown }> | Readonly<{ id: number; ok: false; problem: string }>
