import { service, type Ctx } from '../../../mixins/runtime/service.ts'

/** Needs the greeter, wherever it is. */
export default service({
  name: 'caller',
  dependencies: ['greeter'],
  actions: {
    ask: (ctx: Ctx<{ name: string }>) => ctx.call('greeter.hello', ctx.params),
    askSlowly: (ctx: Ctx<{ ms: number }>) => ctx.call('greeter.slow', ctx.params)
  }
})
