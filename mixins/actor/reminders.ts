import type { ActorStore, DueReminder, Reminder } from './types.ts'

const POLL_MS = 1_000
/** Polls are at least so far apart, however many reminders are near. */
const POLL_MIN_MS = 50
const POLL_LIMIT = 200
/** More than so many near ones wait for an ordinary poll. */
const NEAR_MAX = 1_000
/** Ticks that one thread runs at once. */
const RUNNING_MAX = 64
/** After so long anybody sends a reminder to its owner: the thread that believed to own it is away. */
const ANYBODY_MS = 10_000
const RETRY_MIN_MS = 1_000
const RETRY_MAX_MS = 5 * 60_000

export interface ReminderClockOptions {
  type: string
  stores: readonly ActorStore[]
  /** Whether this thread owns the actor. */
  owns: (key: string) => boolean
  /** Sends a tick to its owner; resolves when it has run. */
  send: (reminder: DueReminder) => Promise<unknown>
  /** A poll that failed: the next one comes anyway. */
  onError: (error: unknown) => void
}

export const tickId = ({ name, at }: DueReminder): string => `${name} ${at}`

/** Pause before the next try of a reminder that failed so often. */
export const retryDelay = (attempts: number): number => Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** attempts)

/**
 * Finds reminders that are due, in every store of a type, and has their owners run them. Every thread polls; each takes care of the
 * actors it owns. At least once: a tick that was sent twice has one id, so its turns have their effect once.
 */
export class ReminderClock {
  readonly #options: ReminderClockOptions
  readonly #running = new Set<string>()
  #timer: NodeJS.Timeout | null = null
  /** When the next poll begins; 0 while one is under way. */
  #nextAt = 0
  /** When reminders are due that were set here and come before a poll would find them by itself. */
  #near: number[] = []
  #polling: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: ReminderClockOptions) {
    this.#options = options
  }

  start(): void {
    this.#schedule(POLL_MS * Math.random())
  }

  /** Reminders were set: those that are near have a poll of their own. */
  expect(reminders: readonly Reminder[]): void {
    const now = Date.now()
    for (const { at } of reminders) {
      const due = at === null ? Infinity : Date.parse(at)
      if (due < now + POLL_MS && this.#near.length < NEAR_MAX) this.#near.push(due)
    }
    const next = this.#untilNear()
    if (this.#nextAt > 0 && now + next < this.#nextAt) this.#schedule(next)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#polling
  }

  #untilNear(): number {
    return Math.max(POLL_MIN_MS, Math.min(...this.#near) - Date.now() + 1)
  }

  #schedule(ms: number): void {
    if (this.#stopped) return
    if (this.#timer) clearTimeout(this.#timer)
    this.#nextAt = Date.now() + ms
    this.#timer = setTimeout(() => (this.#polling = this.#poll()), ms).unref()
  }

  async #poll(): Promise<void> {
    this.#nextAt = 0
    const now = Date.now()
    this.#near = this.#near.filter((due) => due > now)
    let more = false
    try {
      const found = await Promise.all(this.#options.stores.map((store) => store.due([this.#options.type], POLL_LIMIT)))
      more = found.some((due) => due.length === POLL_LIMIT)
      for (const reminder of found.flat()) this.#tick(reminder)
    } catch (error) {
      this.#options.onError(error)
    }
    const pause = more ? POLL_MIN_MS : POLL_MS * (0.8 + 0.4 * Math.random())
    this.#schedule(Math.min(pause, this.#untilNear()))
  }

  #tick(reminder: DueReminder): void {
    const id = `${reminder.key} ${tickId(reminder)}`
    if (this.#running.size >= RUNNING_MAX || this.#running.has(id)) return
    if (!this.#options.owns(reminder.key) && reminder.overdueMs < ANYBODY_MS) return
    this.#running.add(id)
    void this.#options
      .send(reminder)
      .catch(() => {}) // its owner has logged it and put it off; or could not be reached, and it is still due
      .finally(() => this.#running.delete(id))
  }
}
