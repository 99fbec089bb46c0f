import { service, type Ctx } from '../mixins/runtime/service.ts'

/**
 * A way in for fault tests, on every thread, only when SOUK_TEST_DOORS is set: signals reach a whole process, never one thread.
 * `$door.block {ms}` stops the thread as a long computation would, `$door.exit` ends it as a crash would, `$door.throw` raises an
 * exception that nobody catches, `$door.reject` a rejection that nobody handles. Call them with a `nodeID`.
 */
export const door = service({
  name: '$door',
  actions: {
    block: {
      params: { ms: 'number' },
      handler: (ctx: Ctx<{ ms: number }>) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ctx.params.ms)
    },
    exit: () => process.exit(1),
    throw() {
      setImmediate(() => {
        throw new Error('thrown through the test door')
      })
    },
    reject() {
      void Promise.reject(new Error('rejected through the test door'))
    }
  }
})
