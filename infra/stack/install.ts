import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findJdk, jdkTool } from './jdk.ts'
import { StackError, type Stack } from './stack.ts'

const PATIENCE_MS = 900_000

interface RunOptions {
  cwd?: string
  env?: Readonly<Record<string, string>>
  /** Runs as the engines' user. */
  as?: Stack['user']
}

/** The line of a failed program's output that says why. */
export function complaintOf(output: string): string {
  const lines = output.split('\n').map((line) => line.replaceAll(/\u001b\[[\d;]*m/g, '').trim()).filter(Boolean)
  return lines.find((line) => /^E: |\bERROR\b|error:|fatal|no such|cannot|failed|denied/i.test(line)) ?? lines.at(-1) ?? 'it said nothing'
}

/** Runs a program to its end; answers what it wrote. Throws a StackError with its complaint when it fails. */
export async function run(command: string, args: readonly string[], { cwd, env, as = null }: RunOptions = {}): Promise<string> {
  const child = spawn(command, [...args], { ...as, cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], timeout: PATIENCE_MS })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-100_000)))
  const code = await new Promise<number | string | null>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (exit, signal) => resolve(exit ?? signal))
  })
  if (code !== 0) throw new StackError(`${[command, ...args.slice(0, 2)].join(' ')} failed (${code}): ${complaintOf(output)}`)
  return output
}

/** Makes something in a directory beside `target` and moves it there when it is whole: what is there is complete. */
export async function whole(target: string, make: (beside: string) => Promise<void>): Promise<void> {
  if (existsSync(target)) return
  const beside = `${target}.new`
  rmSync(beside, { recursive: true, force: true })
  mkdirSync(beside, { recursive: true, mode: 0o755 })
  await make(beside)
  renameSync(beside, target)
}

/** Which Debian packages are not installed. */
export function missingPackages(names: readonly string[]): string[] {
  const asked = [...new Set(names)]
  if (asked.length === 0) return []
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...asked], { encoding: 'utf8' })
  const there = new Set((stdout ?? '').split('\n').filter((line) => line.endsWith(' installed')).map((line) => line.split(' ')[0]))
  return asked.filter((name) => !there.has(name))
}

const POLICY = '/usr/sbin/policy-rc.d'

/**
 * Installs Debian packages without letting them start services of their own: the stack runs its engines itself. (A policy that the
 * machine has already is kept and must say so itself.)
 */
export async function installPackages(names: readonly string[]): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const hadPolicy = existsSync(POLICY)
  if (!hadPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const install = ['-o', 'DPkg::Lock::Timeout=300', 'install', '-y', '--no-install-recommends', ...names]
    await run('apt-get', install, { env }).catch(async () => {
      await run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', 'update'], { env }) // the lists are missing or old
      await run('apt-get', install, { env })
    })
  } finally {
    if (!hadPolicy) rmSync(POLICY, { force: true })
  }
}

/** Where a tool built by `goInstall` is. */
export const goTool = (stack: Stack, binary: string): string => stack.path('bin', binary)

/** Builds a Go program of exactly this version into the stack's `bin`. */
export async function goInstall(stack: Stack, module: string, version: string, binary: string, command = module): Promise<void> {
  if (existsSync(goTool(stack, binary))) return
  const gobin = stack.path('bin', `${binary}.new`)
  rmSync(gobin, { recursive: true, force: true })
  await run('go', ['install', `${command}@${version}`], { env: { GOBIN: gobin, GOFLAGS: '-trimpath', CGO_ENABLED: '0' } })
  const [built] = [command.split('/').findLast((part) => !/^v\d+$/.test(part))!]
  renameSync(join(gobin, built), goTool(stack, binary))
  rmSync(gobin, { recursive: true, force: true })
}

/** A Maven artifact with everything it needs at run time. */
export interface Artifact {
  groupId: string
  artifactId: string
  version: string
}

const dependency = ({ groupId, artifactId, version }: Artifact): string =>
  `<dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency>`

/** A project that needs these artifacts and is nothing itself. */
export const pom = (artifacts: readonly Artifact[]): string => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>souk.stack</groupId><artifactId>libraries</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    ${artifacts.map(dependency).join('\n    ')}
  </dependencies>
</project>
`

const mvn = (args: readonly string[], cwd: string): Promise<string> => run('mvn', ['-q', '-B', ...args], { cwd, env: { JAVA_HOME: findJdk() ?? '' } })

/** Puts the jars of these artifacts and of all they need into `lib/<name>`. */
export const mavenLibraries = (stack: Stack, name: string, artifacts: readonly Artifact[]): Promise<void> =>
  whole(stack.path('lib', name), async (dir) => {
    writeFileSync(join(dir, 'pom.xml'), pom(artifacts))
    await mvn(['dependency:copy-dependencies', `-DoutputDirectory=${dir}`, '-DincludeScope=runtime'], dir)
  })

/** Unpacks a zip artifact into a directory. */
export async function mavenZip(dir: string, { groupId, artifactId, version }: Artifact): Promise<void> {
  writeFileSync(join(dir, 'pom.xml'), pom([]))
  await mvn(['dependency:unpack', `-Dartifact=${groupId}:${artifactId}:${version}:zip`, `-DoutputDirectory=${dir}`], dir)
}

/** Compiles Java sources against jars, into `into`. */
export const javac = (sources: readonly string[], classpath: string, into: string): Promise<string> =>
  run(jdkTool('javac'), ['-proc:none', '-Xlint:-options', '-cp', classpath, '-d', into, ...sources])
