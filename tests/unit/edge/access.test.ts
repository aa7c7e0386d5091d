import { create, createFileRegistry, fromBinary, type DescMethod } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, MethodOptionsSchema } from '@bufbuild/protobuf/wkt'
import { describe, expect, test } from 'vitest'
import { accessOf, requireAccess, requireDeclaredAccess, type Access } from '../../../src/edge/access.ts'
import type { Caller } from '../../../src/edge/caller.ts'
import { refusalOf } from '../../../src/edge/refusal-error.ts'
import { AccountService, MpcService } from '../../../src/gen/mpc/account/v1/account_service_pb.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { SessionLog } from '../../../src/gen/mpc/coordinator/v1/session_log_pb.ts'
import { ServerParty } from '../../../src/gen/mpc/party/v1/server_party_pb.ts'
import { MessageRouter } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'
import { Health } from '../../../src/gen/grpc/health/v1/health_pb.ts'

const everyService = [SessionCoordinator, SessionFeed, SessionLog, MessageRouter, AccountService, MpcService, ServerParty]

const nobody: Caller = { openMode: false, bearer: null, apiKey: null, address: '', requestId: '', traceId: '' }
const withKey = (...scopes: ('sessions' | 'accounts' | 'audit' | 'admin')[]): Caller => {
  return { ...nobody, bearer: 'mpc_key_x', apiKey: { name: 'wallet', scopes } }
}
const party: Caller = { ...nobody, bearer: 'mpc_party_x' }

function answer(caller: Caller, access: Partial<Access>): string {
  try {
    requireAccess(caller, { scopes: [], parties: false, anyone: false, ...access })
    return 'in'
  } catch (error) {
    return refusalOf(error).code
  }
}

describe('who is let in', () => {
  test.each<[string, Partial<Access>, Caller, string]>([
    ['nobody, by scope', { scopes: ['audit'] }, nobody, 'unauthorized'],
    ['a party, by scope', { scopes: ['audit'] }, party, 'unauthorized'],
    ['a key without the scope', { scopes: ['audit'] }, withKey('admin', 'sessions'), 'forbidden'],
    ['a key with one of the scopes', { scopes: ['sessions', 'admin'] }, withKey('admin'), 'in'],
    ['nobody, where parties are', { parties: true }, nobody, 'unauthorized'],
    ['a key, where only parties are', { parties: true }, withKey('sessions', 'accounts', 'audit', 'admin'), 'unauthorized'],
    ['a party, whose credential the service checks', { parties: true }, party, 'in'],
    ['a key without the scope, where parties are too', { scopes: ['audit'], parties: true }, withKey('sessions'), 'forbidden'],
    ['a party, where keys are too', { scopes: ['audit'], parties: true }, party, 'in'],
    ['nobody, where anyone is', { anyone: true }, nobody, 'in'],
    ['nobody, in open mode', { scopes: ['admin'] }, { ...nobody, openMode: true }, 'in'],
  ])('%s', (_who, access, caller, expected) => expect(answer(caller, access)).toBe(expected))
})

test('every method of every service declares who may call it', () => {
  expect(() => requireDeclaredAccess([...everyService, Health])).not.toThrow()
})

describe('a method', () => {
  /** A service of one method whose access option is these bytes; field 50703 is length-delimited. */
  const methodWith = (access: readonly number[] | null): DescMethod => {
    const tag = [0xfa, 0xe0, 0x18]
    const options = access === null ? [] : [...tag, access.length, ...access]
    const method = { name: 'Do', inputType: '.sample.Nothing', outputType: '.sample.Nothing' }
    const file = create(FileDescriptorProtoSchema, {
      name: 'sample.proto',
      package: 'sample',
      syntax: 'proto3',
      messageType: [{ name: 'Nothing' }],
      service: [{ name: 'Sample', method: [method] }],
    })
    const [service] = file.service
    if (service?.method[0] !== undefined)
      service.method[0].options = fromBinary(MethodOptionsSchema, Uint8Array.from(options))
    const set = create(FileDescriptorSetSchema, { file: [file] })
    const found = createFileRegistry(set).getService('sample.Sample')?.methods[0]
    if (found === undefined) throw new Error('no method')
    return found
  }
  const scope = (name: string) => [0x0a, name.length, ...Buffer.from(name)]

  test.each([
    ['declares nothing', null, /does not declare/],
    ['lets nobody in', [], /lets nobody call it/],
    ['wants a scope that no key can have', scope('root'), /no API key has the scope root/],
  ])('that %s keeps its service from starting', (_what, access, problem) => {
    expect(() => accessOf(methodWith(access))).toThrow(problem)
  })

  test('is read as it is declared', () => {
    expect(accessOf(methodWith([...scope('audit'), 0x10, 1]))).toEqual({ scopes: ['audit'], parties: true, anyone: false })
  })
})
