/** Vitest begins with the largest files: a small one that takes long would run alone at the end, on one core of two. */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const longest = ['crash/crash-points.test.ts', 'e2e/stack.test.ts', 'crypto/signing-with-ten-of-twenty.test.ts']

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => longest.some((name) => moduleId.endsWith(name))
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}
