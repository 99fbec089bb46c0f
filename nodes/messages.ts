import type { MessagePort } from 'node:worker_threads'
import type { MetricSnapshot } from '../mixins/metrics/registry.ts'

/** What a thread is told when it is made. */
export interface ThreadData {
  nodeID: string
  services: readonly string[]
  /** Of its broker, for every other one to read. */
  metadata: Readonly<Record<string, unknown>>
  /** Counts up while the thread's event loop turns. */
  beats: Int32Array
}

/** State of the node, told to every thread whenever it changes. Services learn it as the local event `$node.state`. */
export interface NodeState {
  /** Every thread serves. */
  ready: boolean
  /** The node is going away: take nothing new. */
  draining: boolean
  /** What is missing, in words. */
  reasons: readonly string[]
}

/** A service as its thread loaded it. */
export interface LoadedService {
  name: string
  dependencies: readonly string[]
}

export type ToThread =
  | { type: 'peer'; nodeID: string; port: MessagePort }
  | { type: 'go' }
  | { type: 'state'; state: NodeState }
  | { type: 'collect'; id: number }
  | { type: 'stop' }

export type FromThread =
  | { type: 'loaded'; services: readonly LoadedService[] }
  | { type: 'ready' }
  | { type: 'failed'; message: string }
  | { type: 'metrics'; id: number; snapshot: readonly MetricSnapshot[] }
