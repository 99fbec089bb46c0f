import type { Ctx } from './service.ts'

/** An action's handler as a middleware wraps it. */
export type Handler = (ctx: Ctx) => Promise<unknown>

/** What a middleware reads of an action when it wraps it. */
export interface WrappedAction<Declared> {
  name: string
  public?: Declared
}
