import { Errors, Transporters } from 'moleculer'

// Moleculer's transporter between brokers that hold a channel to each other: the threads of one node, and a REPL that visits it.
// Packets travel as objects by structured clone, with no serializer. At most once, as over NATS: what was on its way to a thread
// that dies is lost, and its callers are told at once, because the channel closes with the thread.

/** A packet on its way: its type (REQ, RES, EVENT, INFO, …) and content. */
export interface MeshMessage {
  type: string
  payload: Record<string, unknown>
}

/** One end of a channel to a peer. A MessagePort is one; a bridge over a socket may be another. */
export interface Link {
  postMessage(message: MeshMessage, options?: { transfer: ArrayBuffer[] }): void
  on(event: 'message', listener: (message: MeshMessage) => void): unknown
  on(event: 'close', listener: () => void): unknown
  close(): void
}

type Packet = Parameters<Transporters.Base['publish']>[0]
type Payload = MeshMessage['payload']

/** The channels of one broker, by the node id of the broker at the other end. Peers come and go while the broker runs. */
export class Mesh {
  readonly #links = new Map<string, Link>()
  #receive: (message: MeshMessage) => void = () => {}
  #lost: (nodeID: string) => void = () => {}

  /** Adds a peer. A former link to it is given up first, so that the peer's old life ends before its new one begins. */
  add(nodeID: string, link: Link): void {
    this.#drop(nodeID, this.#links.get(nodeID))
    this.#links.set(nodeID, link)
    link.on('message', (message) => {
      if (this.#links.get(nodeID) === link) this.#receive(message)
    })
    link.on('close', () => this.#drop(nodeID, link))
  }

  /** Node ids of the brokers at the other ends. */
  get peers(): Iterable<string> {
    return this.#links.keys()
  }

  /** Where packets and losses go: the broker's transporter. */
  attach(receive: (message: MeshMessage) => void, lost: (nodeID: string) => void): void {
    this.#receive = receive
    this.#lost = lost
  }

  /** Sends to one peer, or to all; false when that peer is gone. Throws when the message cannot be cloned. */
  send(target: string | null | undefined, message: MeshMessage): boolean {
    if (target === null || target === undefined) {
      for (const link of this.#links.values()) link.postMessage(message)
      return true
    }
    const link = this.#links.get(target)
    if (!link) return false
    link.postMessage(...forTransfer(message))
    return true
  }

  close(): void {
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  #drop(nodeID: string, link: Link | undefined): void {
    if (!link || this.#links.get(nodeID) !== link) return
    this.#links.delete(nodeID)
    link.close()
    this.#lost(nodeID)
  }
}

/**
 * A chunk of a stream is often a view into a larger buffer, all of which a clone would copy: it is cut out and handed over instead.
 */
function forTransfer(message: MeshMessage): [MeshMessage, { transfer: ArrayBuffer[] }?] {
  const field = message.type === 'REQ' ? 'params' : 'data'
  const chunk = message.payload['stream'] === true ? message.payload[field] : null
  if (!(chunk instanceof Uint8Array)) return [message]
  const own = new Uint8Array(chunk)
  return [{ ...message, payload: { ...message.payload, [field]: own } }, { transfer: [own.buffer] }]
}

/** The transporter of a broker whose peers are in `mesh`. */
export class MeshTransporter extends Transporters.Base {
  readonly #mesh: Mesh

  constructor(mesh: Mesh) {
    super({})
    this.#mesh = mesh
  }

  override async connect(): Promise<void> {
    this.#mesh.attach(
      ({ type, payload }) => void this.incomingMessage(type, payload as unknown as Buffer),
      (nodeID) => this.transit.discoverer.remoteNodeDisconnected(nodeID, true)
    )
    await this.onConnected()
  }

  override async disconnect(): Promise<void> {
    this.connected = false
    this.#mesh.close()
  }

  /** Parameters that cannot be cloned reject their call; an answer that cannot becomes an error for whoever waits for it. */
  override async publish(packet: Packet): Promise<void> {
    const payload = packet.payload as Payload
    payload['ver'] = this.broker.PROTOCOL_VERSION
    payload['sender'] = this.nodeID
    try {
      if (this.#mesh.send(packet.target, { type: packet.type, payload }) || packet.type !== 'REQ') return
    } catch (error) {
      if ((error as Error).name !== 'DataCloneError') throw error
      const refusal = notCloneable(packet.type, payload, error as Error)
      if (packet.type !== 'RES') throw refusal
      const answer = { ver: payload['ver'], sender: this.nodeID, id: payload['id'], meta: {}, success: false, error: this.transit.errorRegenerator.extractPlainError(refusal) }
      this.#mesh.send(packet.target, { type: 'RES', payload: answer })
      return
    }
    throw new Errors.ServiceNotAvailableError({ action: payload['action'] as string, nodeID: packet.target ?? '' })
  }

  override deserialize(type: string, payload: unknown): Packet {
    return { type, target: null, payload } as unknown as Packet
  }

  // A channel carries every topic, and packets are not bytes.
  override async subscribe(): Promise<void> {}
  override async subscribeBalancedRequest(): Promise<void> {}
  override async subscribeBalancedEvent(): Promise<void> {}
  override async send(): Promise<void> {
    throw new Error('a mesh sends packets, not bytes')
  }
}

function notCloneable(type: string, payload: Payload, error: Error): Error {
  const what = type === 'EVENT' ? `event ${String(payload['event'])}` : type === 'REQ' ? `parameters of ${String(payload['action'])}` : 'answer'
  return new Errors.MoleculerServerError(`${what} cannot go to another thread: ${error.message}`, 500, 'NOT_CLONEABLE')
}
