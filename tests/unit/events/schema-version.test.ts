/** What earlier releases wrote, read as the present one would have written it. */
import { create } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { NewerSchemaVersion, schemaVersion, upcast, type Upcaster } from '../../../src/events/schema-version.ts'
import { SessionEventSchema, type SessionEvent } from '../../../src/gen/mpc/events/v1/session_events_pb.ts'

const event = (version: number) => create(SessionEventSchema, { sessionId: 's', actor: 'a', schemaVersion: version })

/** Versions 1 to 4: each step leaves its mark. */
const steps: readonly Upcaster[] = [2, 3, 4].map((to) => (older: SessionEvent) => ({ ...older, actor: `${older.actor}${to}` }))

describe('an event', () => {
  test.each([
    [1, 'a234'],
    [2, 'a34'],
    [3, 'a4'],
    [4, 'a'],
  ])('of version %i goes through every later step, in order', (version, actor) => {
    expect(upcast(event(version), steps)).toMatchObject({ actor, schemaVersion: 4 })
  })

  test('without a version is of the first', () => {
    expect(upcast(event(0), steps)).toMatchObject({ actor: 'a234', schemaVersion: 4 })
  })

  test('of a later version is refused', () => {
    expect(() => upcast(event(5), steps)).toThrow(NewerSchemaVersion)
    expect(() => upcast(event(schemaVersion + 1))).toThrow(NewerSchemaVersion)
  })

  test('of the present version stays what it is', () => {
    const present = event(schemaVersion)
    expect(upcast(present)).toBe(present)
  })
})
