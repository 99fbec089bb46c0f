import { EventEmitter, once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceBroker } from 'moleculer'
import { Mesh, MeshTransporter, type Link, type MeshMessage } from '../mixins/transport/mesh.ts'
import { checkNats, natsTransporter, type NatsPlace } from '../mixins/transport/nats.ts'
import { brokerOptions } from '../moleculer.config.ts'
import { socketPath } from './data-directory.ts'
import { readFrames, writeFrame, type Frame } from './frames.ts'

type Hello = Extract<Frame, { type: 'hello' }>

/** The far end of a channel that runs over the socket. */
class SocketLink extends EventEmitter implements Link {
  readonly #send: (message: MeshMessage) => void
  constructor(send: (message: MeshMessage) => void) {
    super()
    this.#send = send
  }
  postMessage(message: MeshMessage): void {
    this.#send(message)
  }
  close(): void {}
}

async function connect(dir: string): Promise<Socket> {
  const socket = createConnection(socketPath(dir))
  try {
    await once(socket, 'connect')
    return socket
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'EACCES' ? 'the node there belongs to another user' : 'no node runs there: start one with npm start'
    throw new Error(`${dir}: ${why}, or name another directory with --data-dir`, { cause: error })
  }
}

/** Keeps the mesh as the node says: who is there, and what they send. */
function follow(socket: Socket, mesh: Mesh): Promise<Hello> {
  const links = new Map<string, SocketLink>()
  return new Promise((resolve) => {
    readFrames(socket, (frame) => {
      if (frame.type === 'hello') return resolve(frame)
      const { nodeID } = frame
      if (frame.type === 'packet') return links.get(nodeID)?.emit('message', frame.message)
      if (frame.type === 'gone') return links.get(nodeID)?.emit('close')
      const link = new SocketLink((message) => writeFrame(socket, { type: 'packet', nodeID, message }))
      links.set(nodeID, link)
      mesh.add(nodeID, link)
    })
  })
}

const PATIENCE_MS = 5_000

/** Waits until the brokers of the node have said what they provide; a blocked one is not waited for long. */
async function meet(broker: ServiceBroker, nodeIDs: readonly string[]): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  const isKnown = (nodeID: string): boolean => broker.registry.nodes.get(nodeID)?.available === true
  while (!nodeIDs.every(isKnown) && performance.now() < deadline) await sleep(20)
}

/** A broker of this process among those of a running node. */
export interface Visit {
  broker: ServiceBroker
  /** Name of the node. */
  node: string
  /** Closes when the node ends. */
  socket: Socket
}

/** Between two looks whether yet another node answers. */
const QUIET_MS = 700

/** Joins the nodes that meet at these NATS servers, from any machine. Rejects with one clear line when that cannot be. Stop the broker at the end. */
export async function visitNats(place: NatsPlace): Promise<ServiceBroker> {
  await checkNats(place)
  const nodeID = `repl-${hostname()}-${process.pid}`
  const broker = new ServiceBroker(brokerOptions({ nodeID, transporter: natsTransporter(place, nodeID) }))
  await broker.start()
  const known = (): number => broker.registry.nodes.list({ onlyAvailable: true }).length
  const deadline = performance.now() + PATIENCE_MS
  for (let before = 0; before !== known() && performance.now() < deadline; ) {
    before = known()
    await sleep(QUIET_MS)
  }
  return broker
}

/**
 * Joins the node that runs on this data directory, through its local socket: every action of the node can be called from here, and
 * nothing that happens here ends the node. Rejects with one clear line when there is none. Stop the broker, then destroy the socket.
 */
export async function visit(dir: string): Promise<Visit> {
  const socket = await connect(dir)
  const mesh = new Mesh()
  const { node, nodeID, nats } = await follow(socket, mesh)
  const broker = new ServiceBroker(brokerOptions({ nodeID, transporter: nats ? natsTransporter(nats, nodeID) : new MeshTransporter(mesh) }))
  await broker.start()
  await meet(broker, nats ? [`${node}.main`] : [...mesh.peers])
  return { broker, node, socket }
}
