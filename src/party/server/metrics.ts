/** What a server party holds, in Prometheus' terms. No label holds an id, so the number of series is bounded. */
import { Gauge, type Registry } from 'prom-client'
import type { ServerPartyView } from './server-party-service.ts'

export function registerPartyMetrics(registry: Registry, { guard, shares, runningSessions }: ServerPartyView): void {
  const gauge = (name: string, help: string, value: () => number | Promise<number>) =>
    new Gauge({
      name: `mpc_party_${name}`,
      help,
      registers: [registry],
      async collect() {
        this.set(await value())
      },
    })
  gauge('bans', 'Peers that the party no longer signs with, counted for each key.', () => guard.bans().length)
  gauge('frozen_keys', 'Keys that the party no longer signs with.', () => guard.frozenKeys().length)
  gauge('key_shares', 'Keys of which the party holds a share.', () =>
    // The other metrics are still to be had where the folder is not.
    shares.count().catch(() => Number.NaN),
  )
  gauge('running_sessions', 'Sessions that the party takes part in.', runningSessions)
}
