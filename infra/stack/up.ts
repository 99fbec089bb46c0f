import type { Engine } from './engine.ts'
import { renderEnv } from './env-file.ts'
import { installPackages, missingPackages } from './install.ts'
import { nginx } from './engines/nginx.ts'
import { bringDown, bringUp, ENV_FILE, programsOf, writeEnv } from './lifecycle.ts'
import { missingPrerequisites } from './prerequisites.ts'
import { memoryOf } from './processes.ts'
import { StackError, type Stack } from './stack.ts'

const NAME_WIDTH = 15
/** Builds and downloads go side by side: one waits for the network while the other computes. */
const AT_ONCE = 2

const say = (name: string, what: string): void => console.log(`  ${name.padEnd(NAME_WIDTH)}${what}`)
const since = (startedAt: number): string => `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`

async function timed(name: string, doing: string, done: string, work: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now()
  say(name, `${doing} …`)
  await work()
  say(name, `${done} · ${since(startedAt)}`)
}

/** Runs all, a few at once. When some fail the others still end; then the first failure is thrown. */
async function aFewAtOnce<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const failures: unknown[] = []
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item).catch((error: unknown) => failures.push(error))
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  if (failures.length > 0) throw failures[0]
}

async function install(stack: Stack, engines: readonly Engine[]): Promise<void> {
  const packages = missingPackages(engines.flatMap((engine) => engine.packages))
  if (packages.length > 0) await timed('Debian', `installs ${packages.join(', ')}`, 'installed', () => installPackages(packages))
  const missing = engines.filter((engine) => !engine.isInstalled(stack))
  await aFewAtOnce(missing, AT_ONCE, (engine) => timed(engine.name, `gets ${engine.title}`, 'installed', () => engine.install(stack)))
}

async function startOne(stack: Stack, engine: Engine): Promise<void> {
  const startedAt = performance.now()
  const { started, moved } = await bringUp(stack, engine)
  for (const line of moved) say(engine.name, line)
  const memory = Math.round(programsOf(stack, engine).reduce((sum, program) => sum + memoryOf(program), 0) / 1_048_576)
  say(engine.name, `${started ? 'ready' : 'was running'} at ${stack.host}:${stack.port(engine.name, Object.keys(engine.ports)[0])}${started ? ` · ${since(startedAt)}` : ''} · ${memory} MB`)
}

interface UpOptions {
  /** New edges for nginx, which starts anew with them. */
  edges: readonly number[] | null
  /** Runs what starts programs while nobody else does. */
  changing: (change: () => Promise<void>) => Promise<void>
}

/** Installs and starts these engines; answers the exit code. What fails does not keep the others from starting. */
export async function up(stack: Stack, engines: readonly Engine[], { edges, changing }: UpOptions): Promise<number> {
  const startedAt = performance.now()
  const missing = missingPrerequisites(stack, engines)
  if (missing.length > 0) throw new StackError(['what the stack needs is not all there:', ...missing.map((line) => `  ${line}`)].join('\n'), 2)
  stack.create()
  console.log(`Souk's stack in ${stack.dir}`)
  await install(stack, engines)
  const failed: string[] = []
  await changing(async () => {
    if (edges) {
      stack.edges = edges
      await bringDown(stack, nginx)
    }
    await aFewAtOnce(engines, AT_ONCE, (engine) =>
      startOne(stack, engine).catch((error: unknown) => {
        if (!(error instanceof StackError)) throw error
        failed.push(engine.name)
        say(engine.name, error.message)
      })
    )
  })
  const { SOUK_JWT_KEY: key, ...shown } = writeEnv(stack)
  console.log(`\n${renderEnv(shown)}${key ? 'SOUK_JWT_KEY is in the file alone\n' : ''}`)
  console.log(`${failed.length > 0 ? `not running: ${failed.join(', ')}` : 'all is ready'} after ${since(startedAt)}. The environment is in ${stack.path(ENV_FILE)}`)
  console.log('npm start -- --stack runs a shop on it · npm run stack -- status | stop | logs <engine> | reset')
  return failed.length > 0 ? 1 : 0
}
