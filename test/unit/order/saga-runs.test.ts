import { describe, expect, test } from '@jest/globals'
import { SagaRuns } from '../../../services/order/saga-runs.ts'

function gate(): { opened: Promise<void>; open: () => void } {
  let open!: () => void
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

describe('runs of a saga', () => {
  test('come one at a time, and once more when somebody asked meanwhile', async () => {
    const runs = new SagaRuns()
    const { opened, open } = gate()
    let count = 0
    const run = async (): Promise<void> => {
      count++
      await opened
    }
    const all = [runs.resume('o', run), runs.resume('o', run), runs.resume('o', run)]
    expect(count).toBe(1)
    open()
    await Promise.all(all)
    expect(count).toBe(2)
    await runs.resume('o', run)
    expect(count).toBe(3)
  })

  test('wait for a request at work on the order, and do not fail with it', async () => {
    const runs = new SagaRuns()
    const { opened, open } = gate()
    let resumed = 0
    const request = runs.during('o', async () => {
      await opened
      throw new Error('the request failed')
    })
    const joined = runs.resume('o', async () => void resumed++)
    open()
    await expect(request).rejects.toThrow('the request failed')
    await joined
    expect(resumed).toBe(0)
    await runs.resume('o', async () => void resumed++)
    expect(resumed).toBe(1)
    await runs.idle()
  })
})
