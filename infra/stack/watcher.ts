import { fileURLToPath } from 'node:url'
import type { Program } from './engine.ts'
import { isAlive, recorded, start, stop, type Running } from './processes.ts'
import type { Stack } from './stack.ts'

export const WATCHER = 'watcher'

const recordOf = (stack: Stack): Running | undefined => recorded(stack).find(({ engine }) => engine === WATCHER)

export const isWatched = (stack: Stack): boolean => {
  const watcher = recordOf(stack)
  return watcher !== undefined && isAlive(watcher)
}

/** Nothing is started anew until `watch`. */
export async function unwatch(stack: Stack): Promise<void> {
  const watcher = recordOf(stack)
  if (watcher) await stop(stack, watcher)
}

/** Starts the watcher, as ourselves: it must start programs as the engines' user. */
export async function watch(stack: Stack): Promise<void> {
  if (isWatched(stack)) return
  const program: Program = { name: WATCHER, command: process.execPath, args: ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL('./watch.ts', import.meta.url)), stack.dir] }
  await start(stack, WATCHER, program, { asUs: true })
}
