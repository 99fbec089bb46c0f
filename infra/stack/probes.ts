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

/** Resolves when the answer is a success. User and password of the URL go along as basic authentication. */
export async function answersHttp(url: string): Promise<void> {
  const { origin, pathname, search, username, password } = new URL(url)
  const headers = username ? { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` } : {}
  const response = await fetch(origin + pathname + search, { headers, signal: AbortSignal.timeout(PATIENCE_MS) })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`${origin}${pathname} answers ${response.status}`)
}
