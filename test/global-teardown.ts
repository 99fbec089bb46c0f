import { rmSync } from 'node:fs'

export default async function teardown(): Promise<void> {
  const started = globalThis.soukPostgres
  if (!started) return
  await started.server.stop()
  for (const file of started.files) rmSync(file, { recursive: true, force: true })
}
