import { expect, test } from '@jest/globals'
import { holdsCardNumber } from '../../mixins/primitives/card.ts'
import { newId } from '../../mixins/primitives/ids.ts'

test('card numbers are found anywhere in a body, grouped or not, as text, number or name', () => {
  for (const body of [
    { token: '4111111111111111' },
    { label: 'my card 4111 1111 1111 1111' },
    { a: [{ b: '5500-0055-5555-5559' }] },
    { token: 'tok_4111111111111111' },
    { number: 378282246310005 },
    { '6011000990139424': true },
    'card:4111111111111111;'
  ]) expect([body, holdsCardNumber(body)]).toEqual([body, true])
})

test('what only looks like one is let through', () => {
  for (const body of [
    { token: 'tok_demo_ok', label: 'Visa ending 4242' },
    { token: '4111111111111112' }, // the check digit is wrong
    { phone: '+1 206 555 0100', at: 1_764_000_000_000 },
    { phone: '+49 1512 34567893' }, // its digits pass the check
    { attributes: { EAN: '4006381333981' } }, // and so do these
    { id: '01941111-1111-7111-8111-111111111111' },
    null
  ]) expect([body, holdsCardNumber(body)]).toEqual([body, false])
  for (let i = 0; i < 2_000; i++) expect(holdsCardNumber({ paymentMethodId: newId() })).toBe(false)
})
