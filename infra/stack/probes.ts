import { connect } from 'node:net'

const PATIENCE_MS = 2_000

/** Resolves when something takes connections there. */
export const takesConnections = (host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: PATIENCE_MS })
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('timeout', () => socket.destroy(new Error(`nobody answers at ${host}:${port}`)))
    socket.once('error', reject)
  })

/** Resolves when the answer is a success. */
export async function answersHttp(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`${url} answers ${response.status}`)
}
