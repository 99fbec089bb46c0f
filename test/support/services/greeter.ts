import { service, type Ctx } from '../../../mixins/runtime/service.ts'

/** Answers, slowly if asked to. */
export default service({
  name: 'greeter',
  actions: {
    hello(this: { broker: { nodeID: string } }, ctx: Ctx<{ name?: string }>) {
      return `hello ${ctx.params.name ?? 'nobody'} from ${this.broker.nodeID}`
    },
    slow: async (ctx: Ctx<{ ms: number }>) => {
      await new Promise((resolve) => setTimeout(resolve, ctx.params.ms))
      return 'done'
    }
  }
})
