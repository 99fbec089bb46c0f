import { MessageChannel, type MessagePort } from 'node:worker_threads'

/** Whoever can be given a channel to another broker of this node: the supervisor's own, a thread, a visiting REPL. */
export interface Member {
  nodeID: string
  addPeer(nodeID: string, port: MessagePort): void
}

/** Gives every broker of the node a channel to every other one. A member that leaves needs no goodbye: its channels close with it. */
export class Hub {
  readonly #members = new Map<string, Member>()

  join(member: Member): void {
    this.leave(member.nodeID)
    for (const other of this.#members.values()) {
      const { port1, port2 } = new MessageChannel()
      other.addPeer(member.nodeID, port1)
      member.addPeer(other.nodeID, port2)
    }
    this.#members.set(member.nodeID, member)
  }

  leave(nodeID: string): void {
    this.#members.delete(nodeID)
  }
}
