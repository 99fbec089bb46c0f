import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { Engine } from './engine.ts'
import type { Stack } from './stack.ts'

/** As a shell and Node's `parseEnv` both read it. */
export function renderEnv(environment: Readonly<Record<string, string>>): string {
  const lines = Object.entries(environment).map(([name, value]) => {
    if (/^[\w./:@,+=-]*$/.test(value)) return `${name}=${value}`
    if (value.includes("'")) throw new Error(`${name}: a value with a quote has no form that a shell and Node both read`)
    return `${name}='${value}'`
  })
  return `${lines.join('\n')}\n`
}

/** Secrets that nodes must share once they join each other. */
const sharedSecrets = (stack: Stack): Record<string, string> => ({
  SOUK_JWT_KEY: stack.secret('souk.jwt', () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim()),
  SOUK_WEBHOOK_SECRET: stack.secret('souk.webhook', () => randomBytes(32).toString('base64url'))
})

/** What a node must know to use these engines. */
export const environmentOf = (stack: Stack, engines: readonly Engine[]): Record<string, string> =>
  Object.assign({}, ...engines.map((engine) => engine.environment(stack)), sharedSecrets(stack)) as Record<string, string>
