/** What a router can do with the streams by which parties get their messages. */
import type { Lie } from './lie.ts'
import type { Break } from './lying-services.ts'
import type { Session } from './router-lies.ts'

/** A stream that breaks off is opened again where it stopped; one that ends is believed, and nothing comes of it. */
export function brokenStreams({ rounds, ...session }: Session): readonly Lie[] {
  // With a third party its messages come as they like: there is no telling which one is the last.
  if (session.session !== 'sign') return []
  const messages = rounds.reduce((sum, { broadcast, direct }) => sum + Number(broadcast) + Number(direct), 0)
  const row = (name: string, breaks: (delivered: number, opened: number) => Break | undefined): Lie => ({
    ...session,
    step: 'stream of messages',
    name,
    end: 'harmless',
    tell: ({ hooks, lied }) => {
      let opened = 0
      hooks.breakStream = (to, delivered) => {
        if (to !== 'alice') return undefined
        if (delivered === 0) opened += 1
        const how = breaks(delivered, opened)
        if (how !== undefined) lied()
        return how
      }
    },
  })
  const after = Array.from({ length: messages - 1 }, (_, i) => i + 1)
  return [
    row('fails three times before it begins', (_, opened) => (opened <= 3 ? 'fail' : undefined)),
    row('breaks off after each message', (delivered) => (delivered === 0 ? undefined : 'fail')),
    ...after.flatMap((count): readonly Lie[] => [
      row(`breaks off after message ${count}`, (delivered, opened) =>
        opened === 1 && delivered === count ? 'fail' : undefined,
      ),
      {
        ...row(`ends after message ${count}`, (delivered) => (delivered === count ? 'end' : undefined)),
        end: ['round_timed_out'],
        ...(count === messages - 1 && { mayFinish: true }),
      },
    ]),
  ]
}
