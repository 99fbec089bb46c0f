import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use: stop the other program',
  EACCES: 'needs more rights than this user has',
  EADDRNOTAVAIL: 'is not an address of this machine',
  ENOTFOUND: 'is not an address'
}

/** Runs `listen`; a refusal becomes one clear line that names the option to change. */
export async function takePort<T>(what: string, option: string, host: string, port: number, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen()
  } catch (error) {
    const why = WHY[(error as NodeJS.ErrnoException).code ?? ''] ?? `cannot be used (${(error as Error).message})`
    throw new Error(`${what}: ${host}:${port} ${why}, or choose another with ${option}`, { cause: error })
  }
}

/** Resolves with the port if it can be listened on now; with a free one for port 0. Rejects as `listen` does. */
export const tryPort = (host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, host, () => {
      const taken = (server.address() as AddressInfo).port
      server.close(() => resolve(taken))
    })
  })

const PATIENCE_MS = 20_000

/** Resolves when the gateway says it is ready; rejects with what it says when it does not get there. */
export async function awaitReady(address: string, check: () => void): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  let said = 'nothing'
  while (performance.now() < deadline) {
    check()
    try {
      const answer = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(2_000) })
      if (answer.ok) return
      said = await answer.text()
    } catch (error) {
      said = (error as Error).message
    }
    await sleep(25)
  }
  throw new Error(`the gateway at ${address} is not ready after ${PATIENCE_MS / 1_000} s: ${said.trim()}`)
}
