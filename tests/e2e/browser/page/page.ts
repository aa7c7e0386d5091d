/** What the tests ask a page to do. Arguments and answers cross into the page and back as JSON: bytes travel as hex. */
import { device } from './device.ts'
import { deleteDatabase, dumpDatabase, loseKeys, makeFormerDatabase } from './databases.ts'
import { knownAnswer } from './known-answer.ts'
import { ownProtocolSession } from './own-protocol-session.ts'
import { recordCalls } from './records.ts'

/** Whether text can be run as code here, outside of what the test itself evaluates. */
function evaluatesText(): Promise<boolean> {
  return new Promise((resolve) => {
    setTimeout(() => {
      try {
        resolve(new Function('return true')() === true)
      } catch {
        resolve(false)
      }
    })
  })
}

const databases = { deleteDatabase, dumpDatabase, loseKeys, makeFormerDatabase }
const page = { ...device, ...recordCalls, ...databases, knownAnswer, ownProtocolSession, evaluatesText }

declare global {
  var testPage: typeof page
}

globalThis.testPage = page
