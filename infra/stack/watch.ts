// The stack's watcher: a process of its own that notices engines that died and starts them anew. `npm run stack` starts it.
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, recorded, restart } from './processes.ts'
import { WATCHER } from './watcher.ts'
import { Stack } from './stack.ts'

const EVERY_MS = 250
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** One that lived this long starts with the shortest pause again. */
const SETTLED_MS = 60_000

const stack = new Stack(process.argv[2]!)
const pauses = new Map<string, { until: number; pause: number }>()

console.log(`${new Date().toISOString()} watches ${stack.dir}`)
while (stack.exists) {
  for (const running of recorded(stack)) {
    const { name } = running.program
    if (running.engine === WATCHER || isAlive(running)) continue
    const lived = Date.now() - Date.parse(running.startedAt)
    const last = pauses.get(name)
    if (!last || last.until < Date.parse(running.startedAt)) {
      const pause = last && lived < SETTLED_MS ? Math.min(2 * last.pause, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS
      pauses.set(name, { until: Date.now() + pause, pause })
      console.log(`${new Date().toISOString()} ${name} (process ${running.pid}) died: starts anew in ${pause / 1_000} s`)
    } else if (Date.now() >= last.until) {
      try {
        const { pid } = await restart(stack, running)
        console.log(`${new Date().toISOString()} ${name} started anew (process ${pid})`)
      } catch (error) {
        console.log(`${new Date().toISOString()} ${name}: ${(error as Error).message}`)
      }
    }
  }
  await sleep(EVERY_MS)
}
