import { argon2Sync } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { Passwords, checkNewPassword } from '../../../services/auth/passwords.ts'

describe('passwords', () => {
  test('are salted, and right or wrong', async () => {
    const passwords = new Passwords()
    const [a, b] = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')])
    expect(a).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(a).not.toBe(b)
    expect(await Promise.all([passwords.verify('correct horse', a), passwords.verify('Correct horse', a), passwords.verify('anything', null)])).toEqual([true, false, false])
    expect(await passwords.verify('correct horse', a)).toBe(true)
    expect(await passwords.verify('correct horse', b)).toBe(true)
  })

  test('composed and decomposed letters are the same', async () => {
    const passwords = new Passwords()
    expect(await passwords.verify('caf\u0065\u0301 au lait', await passwords.hash('caf\u00e9 au lait'))).toBe(true)
  })

  test('that everybody tries first are refused', () => {
    for (const bad of ['password', 'PassWord', 'ｐａｓｓｗｏｒｄ', '12345678', 'abababab', 'Ada@Souk.example']) expect(() => checkNewPassword('password', bad, 'ada@souk.example')).toThrow()
    for (const good of ['souk-demo-2026', 'correct horse battery 7', 'пароль подлиннее']) expect(() => checkNewPassword('password', good, 'ada@souk.example')).not.toThrow()
  })

  test('more than can wait is refused at once, and the rest is done', async () => {
    const passwords = new Passwords()
    const cheap = argon2Sync('argon2id', { message: 'x', nonce: Buffer.alloc(8), parallelism: 1, tagLength: 32, memory: 8, passes: 1 })
    const hash = `$argon2id$v=19$m=8,t=1,p=1$${Buffer.alloc(8).toString('base64').replaceAll('=', '')}$${cheap.toString('base64').replaceAll('=', '')}`
    const outcomes = await Promise.all(Array.from({ length: 110 }, () => passwords.verify('y', hash).then(String, problemType)))
    expect(outcomes.filter((o) => o === 'overloaded').length).toBe(8)
    expect(outcomes.filter((o) => o === 'false').length).toBe(102)
  })
})
