import type { BrokerOptions, Middleware } from 'moleculer'
import type { Ctx } from '../../mixins/runtime/service.ts'

/** What happens to a call: it is refused before anything is done, its answer is lost, or there is no answer at all. */
export type Fault = 'fails' | 'loses its answer' | 'hangs'

interface Plan {
  action: string
  about: string
  fault: Fault
}

const holds = (params: unknown, about: string): boolean => JSON.stringify(params ?? null).includes(about)

/** Faults of calls between services, one at a time: the next call of an action about something fails as planned, once. */
export class CallFaults {
  #plans: Plan[] = []
  readonly #watchers = new Map<string, (params: unknown) => Promise<void>>()
  /** The next call of `action` whose parameters hold `about` meets the fault. */
  plan(action: string, about: string, fault: Fault): void {
    this.#plans.push({ action, about, fault })
  }

  /** Looks on at each call of an action, before it is made. */
  watch(action: string, look: (params: unknown) => Promise<void>): void {
    this.#watchers.set(action, look)
  }

  /** Whether no fault waits for its call any more. */
  get allMet(): boolean {
    return this.#plans.length === 0
  }

  /** The broker's options with these faults standing nearest to the handlers, and without the breaker that so many of them would open. */
  readonly into = (usual: BrokerOptions): BrokerOptions => ({ ...usual, circuitBreaker: { ...usual.circuitBreaker, enabled: false }, middlewares: [this.#middleware(), ...(usual.middlewares ?? [])] })

  #middleware(): Middleware {
    return {
      name: 'CallFaults',
      localAction: (next: (ctx: Ctx) => Promise<unknown>, { name }: { name: string }) => async (ctx: Ctx) => {
        await this.#watchers.get(name)?.(ctx.params)
        const plan = this.#plans.find((p) => p.action === name && holds(ctx.params, p.about))
        if (!plan) return next(ctx)
        this.#plans = this.#plans.filter((p) => p !== plan)
        if (plan.fault === 'fails') throw new Error(`${name} failed`)
        await next(ctx)
        if (plan.fault === 'hangs') return new Promise(() => {})
        throw new Error(`the answer of ${name} was lost`)
      }
    } as unknown as Middleware
  }
}
