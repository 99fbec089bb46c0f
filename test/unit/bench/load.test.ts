import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from '@jest/globals'
import { closedLoop, openArrival } from '../../bench/load/drive.ts'
import { expectStatus, HttpClient } from '../../bench/load/http-client.ts'

const STALL_MS = 300

/** A service that answers at once, but for one stall in which everybody waits. */
function stalling(): () => Promise<void> {
  let stall: Promise<void> | undefined
  return () => (stall ??= sleep(STALL_MS))
}

describe('load', () => {
  test('open arrival counts what waits behind a stall; a closed loop hides it', async () => {
    const open = await openArrival({ operation: stalling(), seconds: 0.4, rate: 500 })
    const behind = open.latency.curve.filter(([percentile, ms]) => percentile <= 50 && ms > STALL_MS / 6)
    expect(behind.length).toBeGreaterThan(0) // of those who came in the stall's first half, each waited for the second
    const closed = await closedLoop({ operation: stalling(), seconds: 0.4, supply: 500, inFlight: 1 })
    expect(closed.latency.p50).toBeLessThan(STALL_MS)
    expect(closed.latency.max).toBeGreaterThan(STALL_MS * 0.9)
  })

  test('what goes wrong is counted by type and has no part in the latencies', async () => {
    const operation = async (n: number): Promise<void> => {
      if (n % 2 === 1) throw Object.assign(new Error('full'), { type: '503 overloaded' })
    }
    const { operations, errors } = await closedLoop({ operation, seconds: 10, supply: 20, inFlight: 4 })
    expect({ operations, errors }).toEqual({ operations: 10, errors: { '503 overloaded': 10 } })
  })

  test('a supply that is used up ends the loop, and is told', async () => {
    const seen: number[] = []
    const { ranOut } = await closedLoop({ operation: async (n) => void seen.push(n), seconds: 10, supply: 5, inFlight: 2 })
    expect({ ranOut, seen }).toEqual({ ranOut: true, seen: [0, 1, 2, 3, 4] })
  })
})

describe('HTTP of the load', () => {
  const open: { server: Server; sockets: Set<Socket>; http: HttpClient }[] = []

  afterEach(() => {
    for (const { server, sockets, http } of open.splice(0)) {
      http.close()
      sockets.forEach((socket) => socket.destroy())
      server.close()
    }
  })

  /** A client of a server that treats each request so; requests come whole. */
  async function clientOf(answer: (request: string, socket: Socket) => void, connections = 1): Promise<HttpClient> {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('data', (data) => answer(data.toString(), socket)).on('error', () => {})
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const http = new HttpClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections)
    open.push({ server, sockets, http })
    return http
  }

  const head = 'HTTP/1.1 200 OK\r\n'

  test('an answer that comes in pieces is put together', async () => {
    const http = await clientOf((_, socket) => {
      void (async () => {
        for (const piece of [head.slice(0, 9), `${head.slice(9)}Content-Length: 11\r\n\r`, '\n{"a":', '"bcd"}']) {
          socket.write(piece)
          await sleep(2)
        }
      })()
    })
    expect((await http.request({ method: 'GET', path: '/' })).json()).toEqual({ a: 'bcd' })
  })

  test('chunks are put together', async () => {
    const http = await clientOf((_, socket) => void socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`))
    expect((await http.request({ method: 'GET', path: '/' })).text()).toBe('abcde')
  })

  test('requests beyond the connections wait for one, and each gets its own answer', async () => {
    const http = await clientOf((request, socket) => {
      const path = request.split(' ')[1]!
      socket.write(`${head}content-length: ${path.length}\r\n\r\n${path}`)
    }, 2)
    const paths = Array.from({ length: 10 }, (_, i) => `/${i}`)
    expect(await Promise.all(paths.map(async (path) => (await http.request({ method: 'GET', path })).text()))).toEqual(paths)
  })

  test('a lost connection is an error of its own, and the next request gets a new one', async () => {
    let first = true
    const http = await clientOf((_, socket) => {
      if (first) socket.destroy()
      else socket.write(`${head}content-length: 0\r\n\r\n`)
      first = false
    })
    await expect(http.request({ method: 'GET', path: '/' })).rejects.toMatchObject({ type: 'connection-lost' })
    expect((await http.request({ method: 'GET', path: '/' })).status).toBe(200)
  })

  test('a problem document names the error', async () => {
    const body = '{"type":"https://souk.example/problems/out-of-stock","status":409}'
    const http = await clientOf((_, socket) => void socket.write(`HTTP/1.1 409 Conflict\r\ncontent-length: ${body.length}\r\n\r\n${body}`))
    const answer = await http.request({ method: 'GET', path: '/' })
    expect(() => expectStatus(answer, 200)).toThrow(expect.objectContaining({ type: '409 out-of-stock' }))
  })
})
