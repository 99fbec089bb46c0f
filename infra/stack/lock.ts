import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { identify, isAlive, type Identity } from './processes.ts'
import type { Stack } from './stack.ts'

/** Takes the right to change the stack, waiting for whoever has it. One who is gone without giving it back counts for nothing. */
export async function lockStack(stack: Stack, say: (line: string) => void): Promise<() => void> {
  const file = stack.path('lock')
  for (let told = false; ; ) {
    try {
      writeFileSync(file, JSON.stringify(identify(process.pid)), { flag: 'wx', mode: 0o600 })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = holderOf(file)
    if (holder && !isAlive(holder)) rmSync(file, { force: true })
    else if (holder && !told) {
      say(`stack: process ${holder.pid} changes this stack: waits for it`)
      told = true
    }
    await sleep(100)
  }
}

/** Null in the moment in which it is written or given back. */
function holderOf(file: string): Identity | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Identity
  } catch {
    return null
  }
}
