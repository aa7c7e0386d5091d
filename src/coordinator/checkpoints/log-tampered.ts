/** The log is not what checkpoints say it was: events were changed, dropped, exchanged or cut off. */
export class LogTampered extends Error {
  override readonly name = 'LogTampered'
}
