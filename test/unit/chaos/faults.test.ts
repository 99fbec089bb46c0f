import { describe, expect, test } from '@jest/globals'
import { faultsOf, type Fault } from '../../chaos/fault.ts'
import { mutated } from '../../chaos/mutant.ts'
import { readOptions } from '../../chaos/options.ts'

describe('what is to go wrong', () => {
  const happened: string[] = []
  const fault = (name: string, seconds: number): Fault => ({
    name, doc: `${name} happens`, seconds,
    async happen() {
      happened.push(name)
    },
    async after() {
      happened.push(`${name} is over`)
    }
  })
  const offered = [fault('flood', 3), fault('fire', 0)]

  test('is named, and several happen at once as long as the longest holds', async () => {
    const [both, one] = faultsOf(offered, ['flood+fire', 'fire'])
    expect(both).toMatchObject({ name: 'flood+fire', doc: 'flood happens; and fire happens', seconds: 3 })
    expect(one).toBe(offered[1])
    await both!.happen({ ms: 0, trade: null as never, dies: () => {} })
    await both!.after!()
    expect(happened).toEqual(['flood', 'fire', 'flood is over', 'fire is over'])
  })

  test('is refused in one line where there is no such thing', () => {
    expect(() => faultsOf(offered, ['flood', 'flood+plague'])).toThrow('there is no fault "plague" here: --list lists them')
    expect(() => mutated('no-money')).toThrow('there is no mutant "no-money": there are no-idempotency, no-compare-and-set')
  })

  test.each([
    [['--mutant', 'no-compare-and-set'], '--mutant wants --embedded'],
    [['--hold', 'long'], '--hold wants a number above 0'],
    [['--fault', 'flood'], "Unknown option '--fault': npm run chaos -- --help lists the options"]
  ])('cannot be read from %j', (args, says) => {
    expect(() => readOptions(args)).toThrow(says)
  })
})
