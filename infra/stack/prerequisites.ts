import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Engine, Need } from './engine.ts'
import { missingPackages } from './install.ts'
import { findJdk, JAVA } from './jdk.ts'
import type { Stack } from './stack.ts'

const GO = [1, 26] as const

const firstLine = (command: string, ...args: string[]): string | null => {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? (stdout.split('\n')[0] ?? '') : null
}

/** Whether a line such as `go version go1.26.8 linux/amd64` names a version that is new enough. */
export function isGoNewEnough(line: string): boolean {
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(line) ?? []
  return Number(major) > GO[0] || (Number(major) === GO[0] && Number(minor) >= GO[1])
}

/** What is wrong with one thing that engines are made with; null when nothing is. */
const CHECKS: Record<Need, () => string | null> = {
  java: () => (findJdk() ? null : `a JDK ${JAVA} or later is needed: Temurin's package is temurin-${JAVA}-jdk (https://adoptium.net), or set JAVA_HOME`),
  maven: () => (firstLine('mvn', '--version') === null ? 'Maven is needed: apt-get install maven' : null),
  go() {
    const line = firstLine('go', 'version')
    if (line === null) return `Go ${GO.join('.')} or later is needed: https://go.dev/dl`
    return isGoNewEnough(line) ? null : `Go ${GO.join('.')} or later is needed, this machine has ${/go[\d.]+/.exec(line)?.[0] ?? line}: https://go.dev/dl`
  },
  npm: () => (firstLine('npm', '--version') === null ? 'npm is needed: it comes with Node' : null)
}

/** What stands in the way of starting these engines, one line each; what an installed engine was made with is no longer needed. */
export function missingPrerequisites(stack: Stack, engines: readonly Engine[]): string[] {
  const packages = missingPackages(engines.flatMap((engine) => engine.packages))
  const lines: string[] = []
  if (process.platform !== 'linux') return [`the stack runs on Linux (Debian), not on ${process.platform}`]
  if (packages.length > 0) {
    if (!existsSync('/etc/debian_version')) lines.push(`Debian is needed for ${packages.join(', ')}: on another system start the others with --only, or use infra/compose.yaml`)
    else if (process.getuid?.() !== 0) lines.push(`root is needed to install ${packages.join(', ')}: run this once as root, or apt-get install them`)
  }
  for (const [need, check] of Object.entries(CHECKS) as [Need, () => string | null][]) {
    const wanting = engines.filter((engine) => engine.needs.includes(need) && (need === 'java' || !engine.isInstalled(stack)))
    const complaint = wanting.length > 0 ? check() : null
    if (complaint) lines.push(`${complaint} (for ${wanting.map(({ name }) => name).join(', ')})`)
  }
  return lines
}
