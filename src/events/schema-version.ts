/**
 * Versions of lifecycle events. Stored events never change: what an earlier release wrote is turned into the present
 * form when it is read, one version at a time.
 *
 * A field that is added and may be absent, or a kind of event that changes no state, needs no new version: an older
 * release reads on without it. Everything else does, because an older release must not fold what it misreads.
 */
import type { SessionEvent } from '../gen/mpc/events/v1/session_events_pb.ts'

/** An event of one version in the form of the next. Total: it never throws on what a release has written. */
export type Upcaster = (event: SessionEvent) => SessionEvent

/** The first is from version 1 to 2. One is appended with every version, none is ever changed. */
const upcasters: readonly Upcaster[] = []

/** The version that this release writes. */
export const schemaVersion = upcasters.length + 1

/** A newer release wrote the event: this one cannot know what it means. */
export class NewerSchemaVersion extends Error {
  override readonly name = 'NewerSchemaVersion'
}

/** The event in the present form. Throws NewerSchemaVersion. */
export function upcast(event: SessionEvent, steps: readonly Upcaster[] = upcasters): SessionEvent {
  const newest = steps.length + 1
  const { schemaVersion: version, sessionId } = event
  if (version > newest) {
    throw new NewerSchemaVersion(
      `event ${event.sessionSequence} of session ${sessionId} has schema version ${version}, ` +
        `and this release knows versions up to ${newest}: run the release that wrote it, or a newer one`,
    )
  }
  // Events from before a version was written down are of the first.
  let present = event
  for (const step of steps.slice(Math.max(version, 1) - 1)) present = step(present)
  return version === newest ? present : { ...present, schemaVersion: newest }
}
