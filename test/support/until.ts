import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until `condition` answers something truthy, and answers it. Fails after 20 s unless told, naming what was waited for. */
export async function until<T>(what: string, condition: () => T | Promise<T>, patienceMs = 20_000): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const answer = await condition()
    if (answer) return answer as Exclude<T, false | null | undefined | 0 | ''>
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await sleep(10)
  }
}
