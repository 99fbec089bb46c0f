import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SERVICES = fileURLToPath(new URL('../../services', import.meta.url))

/** The schemas of services that are not sharded, as the heads of their first migrations name them: each gets a database of its own. */
export function serviceSchemas(services: string = SERVICES): string[] {
  if (!existsSync(services)) return []
  const heads = globSync('*/migrations/001_*.sql', { cwd: services }).map((file) => readFileSync(join(services, file), 'utf8'))
  return heads
    .filter((head) => !/^-- database: orders$/m.test(head))
    .map((head) => /^-- schema: (\w+)$/m.exec(head)?.[1])
    .filter((schema) => schema !== undefined)
    .sort()
}
