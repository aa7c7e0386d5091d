/** A stream of bytes as lines, each of bounded length. */

export type TextLine = Readonly<{
  /** From 1. */
  number: number
  /** UTF-8, without the newline. */
  text: string
  /** As they were, with the newline. */
  bytes: Uint8Array
}>

export class BadLine extends Error {
  override readonly name = 'BadLine'
  readonly line: number

  constructor(line: number, problem: string) {
    super(problem)
    this.line = line
  }
}

const newline = 0x0a

/** Throws BadLine for a line that is longer than `maxBytes`, is not UTF-8, or does not end. */
export async function* linesOf(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<TextLine> {
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  let number = 1
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      const bytes = Buffer.concat([rest, chunk.subarray(from, end + 1)])
      if (bytes.length > maxBytes) throw new BadLine(number, 'the line is too long')
      yield { number, bytes, text: decode(utf8, bytes.subarray(0, -1), number) }
      number += 1
      from = end + 1
      rest = Buffer.alloc(0)
    }
    rest = Buffer.concat([rest, chunk.subarray(from)])
    if (rest.length > maxBytes) throw new BadLine(number, 'the line is too long')
  }
  if (rest.length > 0) throw new BadLine(number, 'the line does not end')
}

function decode(utf8: TextDecoder, bytes: Uint8Array, line: number): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new BadLine(line, 'the line is not UTF-8')
  }
}
