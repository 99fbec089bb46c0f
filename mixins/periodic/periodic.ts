import type { ServiceThis } from '../runtime/service.ts'

interface Job {
  timer?: NodeJS.Timeout
  running: Promise<void>
  stopped: boolean
}

interface Holder {
  periodic: Map<string, Job>
}

/**
 * A mixin that runs `job` again and again: `everyMs` after the last run ended (a tenth more or less, so that threads do not run in
 * step), never twice at once on one thread. A run that answers true had more to do than it could, so the next one follows at once.
 * A run that fails is logged and tried again at its next time: jobs must find what is left by themselves. Several threads may run
 * the same job at the same time. On stop the run in hand is waited for.
 * List it before the mixins whose engines the job uses, for mixins stop in the order of the list.
 */
export const periodic = <This>(name: string, everyMs: number, job: (this: This) => Promise<boolean | void>) => ({
  created(this: ServiceThis<Holder>) {
    this.periodic ??= new Map()
    this.periodic.set(name, { running: Promise.resolve(), stopped: false })
  },

  started(this: ServiceThis<Holder>) {
    const state = this.periodic.get(name)!
    const run = async (): Promise<void> => {
      let more: boolean | void = false
      try {
        more = await job.call(this as This)
      } catch (error) {
        this.logger.warn(`${name} failed, will be tried again:`, error)
      }
      schedule(more === true ? 0 : everyMs)
    }
    const schedule = (ms: number): void => {
      if (state.stopped) return
      state.timer = setTimeout(() => (state.running = run()), ms * (0.9 + 0.2 * Math.random()))
    }
    schedule(everyMs)
  },

  async stopped(this: ServiceThis<Holder>) {
    const state = this.periodic.get(name)!
    state.stopped = true
    clearTimeout(state.timer)
    await state.running
  }
})
