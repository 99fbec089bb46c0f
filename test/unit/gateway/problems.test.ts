import { describe, expect, test } from '@jest/globals'
import { Errors } from 'moleculer'
import { problem } from '../../../mixins/primitives/problem.ts'
import { problemAnswer } from '../../../services/gateway/problems.ts'

const seen = (error: unknown) => {
  const { status, retryAfter, document } = problemAnswer(error, 'r1', 'cart.add')
  return [status, String(document['type']).split('/').at(-1), retryAfter]
}

describe('what an error means to a client', () => {
  test('our own problems speak for themselves', () => {
    const { status, retryAfter, document } = problemAnswer(problem('rate-limited', 'Wait.', { retryAfter: 1.2, extra: true }), 'r1')
    expect([status, retryAfter, document]).toEqual([429, 2, { type: '/problems/rate-limited', title: 'Too many requests', status: 429, detail: 'Wait.', instance: 'r1', extra: true }])
  })

  test('data cannot change what the problem is', () => {
    expect(problemAnswer(problem('not-found', 'No.', { status: 200, type: 'x', instance: 'y' }), 'r1').document).toMatchObject({ status: 404, type: '/problems/not-found', instance: 'r1' })
  })

  test.each([
    ['a missing service', new Errors.ServiceNotFoundError({ action: 'cart.worker.add' }), [503, 'unavailable', 2]],
    ['a service without a node', new Errors.ServiceNotAvailableError({ action: 'a', nodeID: 'n' }), [503, 'unavailable', 2]],
    ['a timeout', new Errors.RequestTimeoutError({ action: 'a', nodeID: 'n' }), [503, 'unavailable', 2]],
    ['a skipped call', new Errors.RequestSkippedError({ action: 'a', nodeID: 'n' }), [503, 'unavailable', 2]],
    ['a node that went away', new Errors.RequestRejectedError({ action: 'a', nodeID: 'n' }), [503, 'unavailable', 2]],
    ['a broker that is cut off', new Errors.BrokerDisconnectedError('x', 502, 'BAD_GATEWAY', {}), [503, 'unavailable', 2]],
    ['a full queue', new Errors.QueueIsFullError({ action: 'a', nodeID: 'n' }), [503, 'overloaded', 1]],
    ['a database that is down', Object.assign(new Error('connect ECONNREFUSED 10.0.0.5:5432'), { code: 'ECONNREFUSED' }), [503, 'unavailable', 2]],
    ['a pool without a connection', new Error('timeout exceeded when trying to connect'), [503, 'unavailable', 2]],
    ['a bug', new TypeError('x is not a function'), [500, 'internal', null]],
    ['nothing', undefined, [500, 'internal', null]],
    ['a text', 'boom', [500, 'internal', null]]
  ])('%s', (_what, error, wanted) => {
    expect(seen(error)).toEqual(wanted)
    const document = JSON.stringify(problemAnswer(error, 'r1').document)
    for (const internal of ['cart.worker', 'ECONNREFUSED', 'function', 'boom']) expect(document).not.toContain(internal)
  })

  test('a validation error is the client\'s only when it is about what was asked for', () => {
    const errors = [{ type: 'objectStrict', actual: 'roles, admin', field: undefined, action: 'cart.add' }, { type: 'numberMax', field: 'lines[0].quantity', expected: 999, action: 'cart.add' }]
    const { status, document } = problemAnswer(new Errors.ValidationError('x', undefined as never, errors as never), 'r1', 'cart.add')
    expect([status, document['errors']]).toEqual([422, [
      { field: 'roles', code: 'unknown', message: 'is not known here' },
      { field: 'admin', code: 'unknown', message: 'is not known here' },
      { field: 'lines[0].quantity', code: 'too-large', message: 'may be 999 at most' }
    ]])
    expect(seen(new Errors.ValidationError('x', undefined as never, [{ type: 'required', field: 'x', action: 'cart.worker.add' }] as never))[1]).toBe('internal')
  })
})
