/** The proto files with their comments: src/gen has the same descriptors, but without where and why in the source. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import {
  createFileRegistry,
  fromBinary,
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescService,
  type FileRegistry,
} from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { getComments } from '@bufbuild/protoplugin'

/** All of proto/. Throws with what buf says where a file does not compile. */
export function readProtoFiles(root: string): FileRegistry {
  const buf = join(root, 'node_modules', '.bin', 'buf')
  const { status, stdout, stderr, error } = spawnSync(buf, ['build', '--as-file-descriptor-set', '-o', '-'], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(`buf build: ${error?.message ?? String(stderr)}`)
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, stdout))
}

export function serviceNamed(files: FileRegistry, typeName: string): DescService {
  const service = files.getService(typeName)
  if (service === undefined) throw new Error(`proto/ has no service ${typeName}`)
  return service
}

/** The comment above a declaration as one paragraph, without instructions to the linter; undefined where none is. */
export function descriptionOf(desc: DescService | DescMethod | DescMessage | DescField): string | undefined {
  const lines = (getComments(desc).leading ?? '').split('\n').map((line) => line.trim())
  const text = lines.filter((line) => !line.startsWith('buf:')).join(' ').trim()
  return text === '' ? undefined : text
}
