/** Creating the streams ahead of the services, which in production may not: as the user `operator` of deploy/nats. */
import { jetstreamManager } from '@nats-io/jetstream'
import type { StreamName } from './event-log.ts'
import { unavailable } from './jetstream-append.ts'
import { connectTo, requestTimeoutMs, type LogAddress } from './jetstream-connect.ts'
import { ensureStreams, streamNames, type StreamSizes } from './streams.ts'

export type StreamUse = Readonly<{
  name: StreamName
  events: number
  bytes: number
  maxBytes: number
  replicas: number
}>

/** Creates the streams, or brings their limits up to date, and says what is in them. Throws LogUnavailable. */
export async function setUpStreams(
  address: LogAddress,
  replicas: number,
  sizes: StreamSizes,
): Promise<readonly StreamUse[]> {
  const nats = await connectTo(address)
  try {
    const manager = await jetstreamManager(nats, { timeout: requestTimeoutMs })
    await ensureStreams(manager, replicas, sizes)
    return await Promise.all(
      streamNames.map(async (name) => {
        const { state, config } = await manager.streams.info(name)
        const { messages: events, bytes } = state
        return { name, events, bytes, maxBytes: config.max_bytes, replicas: config.num_replicas }
      }),
    )
  } catch (error) {
    throw unavailable('the streams cannot be set up', error)
  } finally {
    await nats.close()
  }
}
