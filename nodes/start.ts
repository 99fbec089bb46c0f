// `npm start`: one node, from its command line to its last breath.
import { setTimeout as sleep } from 'node:timers/promises'
import { Node } from './node.ts'
import { readOptions } from './options.ts'

/** npm, the launcher and the terminal may all pass one Ctrl-C on: what comes so soon after the first is the same one. */
const SAME_SIGNAL_MS = 1_000

async function main(): Promise<void> {
  const { help } = readOptions(process.argv.slice(2))
  if (help !== null) return console.log(help)
  const node = new Node()
  let stopAskedAt = 0

  const stop = async (why: string): Promise<void> => {
    if (stopAskedAt > 0) {
      if (performance.now() - stopAskedAt < SAME_SIGNAL_MS) return
      console.error(`souk: ${why} again: ends at once`)
      await node.kill()
      process.exit(130)
    }
    stopAskedAt = performance.now()
    console.error(`\nsouk: ${why}: lets what is in flight end, then stops (once more to end at once)`)
    await node.stop()
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(signal))
  // The launcher is gone without a word: nobody would ever stop this process.
  process.on('disconnect', () => void stop('the launcher ended'))
  process.channel?.unref()

  process.on('unhandledRejection', (reason) => console.error('souk: a rejection that nobody handled:', reason))
  process.on('uncaughtException', (error) => {
    console.error('souk: an exception that nobody caught, the node stops:', error)
    void Promise.race([node.stop(), sleep(15_000)]).finally(() => process.exit(1))
  })

  try {
    await node.started
  } catch (error) {
    if (stopAskedAt > 0) return
    await node.stop()
    throw error
  }
  const lost = await node.lost
  console.error(`souk: ${lost.message}`)
  await node.stop()
  process.exit(1)
}

process.stdout.on('error', () => {}) // whoever read our lines is gone
await main().catch((error: unknown) => {
  console.error(`souk: ${error instanceof Error ? error.message : String(error)}`)
  if (process.env['SOUK_LOG_LEVEL'] === 'debug') console.error(error)
  process.exit(1)
})
