import { rmSync } from 'node:fs'

export default async function teardown(): Promise<void> {
  const started = globalThis.soukPostgres
  if (!started) return
  await started.server.stop()
  rmSync(started.dir, { recursive: true, force: true })
}
