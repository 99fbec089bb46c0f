import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { MessagePort } from 'node:worker_threads'
import { natsPlace } from '../mixins/transport/nats.ts'
import { readFrames, writeFrame } from './frames.ts'
import type { Hub, Member } from './hub.ts'

/** A visiting REPL: a process with a broker of its own, to which the packets of its channels are passed on over the socket. */
class Visitor implements Member {
  readonly nodeID: string
  readonly #socket: Socket
  readonly #ports = new Map<string, MessagePort>()

  constructor(nodeID: string, socket: Socket) {
    this.nodeID = nodeID
    this.#socket = socket
    readFrames(socket, (frame) => {
      if (frame.type === 'packet') this.#ports.get(frame.nodeID)?.postMessage(frame.message)
    })
  }

  addPeer(nodeID: string, port: MessagePort): void {
    this.#ports.get(nodeID)?.close()
    this.#ports.set(nodeID, port)
    writeFrame(this.#socket, { type: 'peer', nodeID })
    port.on('message', (message) => writeFrame(this.#socket, { type: 'packet', nodeID, message }))
    port.on('close', () => {
      if (this.#ports.get(nodeID) !== port) return
      this.#ports.delete(nodeID)
      writeFrame(this.#socket, { type: 'gone', nodeID })
    })
  }

  leave(): void {
    for (const port of this.#ports.values()) port.close()
    this.#ports.clear()
  }
}

/** The door for `npm run repl`: a local socket that only this user may open. */
export class ReplSocket {
  readonly #path: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #visitors = 0

  /** `hub` is null when brokers meet over NATS: then visitors are told to go there. */
  constructor(path: string, node: string, hub: Hub | null) {
    this.#path = path
    this.#server = createServer((socket) => this.#welcome(socket, node, hub))
  }

  async listen(): Promise<void> {
    rmSync(this.#path, { force: true }) // of a node that was killed; the data directory's lock says that none lives
    const before = process.umask(0o177) // private from its first moment
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject)
        this.#server.listen(this.#path, resolve)
      })
    } finally {
      process.umask(before)
    }
    if (process.platform !== 'win32') chmodSync(this.#path, 0o600)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #welcome(socket: Socket, node: string, hub: Hub | null): void {
    this.#sockets.add(socket)
    const nodeID = `${node}.repl-${process.pid}-${++this.#visitors}`
    writeFrame(socket, { type: 'hello', node, nodeID, nats: natsPlace() })
    const visitor = new Visitor(nodeID, socket)
    hub?.join(visitor)
    socket.on('error', () => {}) // its close follows
    socket.on('close', () => {
      this.#sockets.delete(socket)
      hub?.leave(nodeID)
      visitor.leave()
    })
  }
}
