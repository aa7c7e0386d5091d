/** grpc.reflection.v1.ServerReflection (grpc/grpc: doc/server-reflection.md) over the descriptors of what is served. */
import {
  createRegistry,
  toBinary,
  type DescFile,
  type DescService,
  type MessageInitShape,
  type Registry,
} from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { Code, type ServiceImpl } from '@connectrpc/connect'
import type { UniversalHandler } from '@connectrpc/connect/protocol'
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponseSchema,
} from '../gen/grpc/reflection/v1/reflection_pb.ts'
import { file_mpc_api_v1_error } from '../gen/mpc/api/v1/error_pb.ts'

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>

export function reflectionService(services: readonly DescService[]): ServiceImpl<typeof ServerReflection> {
  // No method names the detail of refusals: clients that show it ask for it by itself.
  const roots = [...services.map((service) => service.file), file_mpc_api_v1_error]
  const files = new Map(withDependencies(roots).map((file) => [file.proto.name, file]))
  const registry = createRegistry(...files.values())
  const names = services.map((service) => ({ name: service.typeName }))
  return {
    serverReflectionInfo: async function* (requests) {
      for await (const request of requests) {
        const messageResponse = answer(request.messageRequest, names, files, registry)
        yield { validHost: request.host, originalRequest: request, messageResponse }
      }
    },
  }
}

/** Reflection is also served under the name it had before it was stable, which some clients still ask for alone. */
export function withV1Alpha(handlers: readonly UniversalHandler[]): readonly UniversalHandler[] {
  const reflection = handlers.filter(({ service }) => service.typeName === ServerReflection.typeName)
  // The messages are the same.
  const alpha = reflection.map((handler) => {
    const requestPath = handler.requestPath.replace('.v1.', '.v1alpha.')
    return Object.assign((request: Parameters<UniversalHandler>[0]) => handler(request), handler, { requestPath })
  })
  return [...handlers, ...alpha]
}

function answer(
  question: ServerReflectionRequest['messageRequest'],
  services: readonly { name: string }[],
  files: ReadonlyMap<string, DescFile>,
  registry: Registry,
): Answer {
  switch (question.case) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: [...services] } }
    case 'fileByFilename':
      return fileAnswer(files.get(question.value))
    case 'fileContainingSymbol':
      return fileAnswer(fileOfSymbol(registry, question.value))
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = question.value
      const extended = registry.getMessage(containingType)
      return fileAnswer(extended && registry.getExtensionFor(extended, extensionNumber)?.file)
    }
    case 'allExtensionNumbersOfType': {
      if (registry.getMessage(question.value) === undefined) return notFound
      return { case: 'allExtensionNumbersResponse', value: extensionsOf(registry, question.value) }
    }
    case undefined:
      return { case: 'errorResponse', value: { errorCode: Code.InvalidArgument, errorMessage: 'empty request' } }
  }
}

const notFound: Answer = { case: 'errorResponse', value: { errorCode: Code.NotFound, errorMessage: 'not found' } }

function extensionsOf(registry: Registry, baseTypeName: string): { baseTypeName: string; extensionNumber: number[] } {
  const extensions = [...registry].filter((type) => type.kind === 'extension')
  const own = extensions.filter((extension) => extension.extendee.typeName === baseTypeName)
  return { baseTypeName, extensionNumber: own.map((extension) => extension.number) }
}

/** A type's file; for `Service.Method` and `Message.field`, that of the part before the last dot. */
function fileOfSymbol(registry: Registry, symbol: string): DescFile | undefined {
  return (registry.get(symbol) ?? registry.get(symbol.slice(0, Math.max(0, symbol.lastIndexOf('.')))))?.file
}

/** The file and everything it imports, so that clients need one question. */
function fileAnswer(file: DescFile | undefined): Answer {
  if (file === undefined) return notFound
  const fileDescriptorProto = withDependencies([file]).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto))
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } }
}

function withDependencies(roots: readonly DescFile[]): DescFile[] {
  const seen = new Set<DescFile>()
  const visit = (file: DescFile): void => {
    if (seen.has(file)) return
    seen.add(file)
    file.dependencies.forEach(visit)
  }
  roots.forEach(visit)
  return [...seen]
}
