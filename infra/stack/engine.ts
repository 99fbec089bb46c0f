import type { Stack } from './stack.ts'

/** What must be on the machine before an engine can be installed. */
export type Need = 'java' | 'maven' | 'go' | 'npm'

/** One long-running program of an engine. */
export interface Program {
  /** Unique in the stack: the engine's name, or that with a number. */
  name: string
  command: string
  args: readonly string[]
  env?: Readonly<Record<string, string>>
  /** What asks it to end in order; SIGTERM unless told. */
  stopSignal?: NodeJS.Signals
}

/** One engine of the stack. Each step may be run again at any time and then changes nothing. */
export interface Engine {
  readonly name: string
  /** Version and origin, for people. */
  readonly title: string
  /** Started when nothing is named. */
  readonly byDefault: boolean
  readonly needs: readonly Need[]
  /** Debian packages, installed with those of the others at once. */
  readonly packages: readonly string[]
  /** Ports by what they are for: the one that is taken if it is free, and kept from then on. */
  readonly ports: Readonly<Record<string, number>>
  /** Whether everything is there that `install` would bring. */
  isInstalled(stack: Stack): boolean
  /** Brings what no Debian package does: builds, downloads. */
  install(stack: Stack): Promise<void>
  /** Writes configuration, makes empty data, and says which programs to run. */
  configure(stack: Stack): Promise<readonly Program[]>
  /** Resolves when it answers as a client would find it, rejects with why it does not. */
  probe(stack: Stack): Promise<void>
  /** What a running engine needs before clients come: users, databases, buckets. */
  provision?(stack: Stack): Promise<void>
  /** What a node must know. */
  environment(stack: Stack): Record<string, string>
}
