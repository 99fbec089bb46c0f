import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The oldest JDK that all engines run on. */
export const JAVA = 25

/** Major version of the JDK in a directory; null when there is none with a compiler. */
function jdkVersion(home: string): number | null {
  if (!existsSync(join(home, 'bin/javac')) || !existsSync(join(home, 'release'))) return null
  return Number(/^JAVA_VERSION="(\d+)/m.exec(readFileSync(join(home, 'release'), 'utf8'))?.[1] ?? 0)
}

const VM_DIR = '/usr/lib/jvm'

/** The home of a JDK that is new enough: JAVA_HOME, or the oldest such one beside Debian's. Null when there is none. */
export function findJdk(): string | null {
  const beside = existsSync(VM_DIR) ? readdirSync(VM_DIR).map((name) => join(VM_DIR, name)) : []
  const homes = [process.env['JAVA_HOME'] ?? '', ...beside].map((home) => ({ home, version: jdkVersion(home) ?? 0 })).filter(({ version }) => version >= JAVA)
  return homes.sort((a, b) => a.version - b.version)[0]?.home ?? null
}

/** A program of that JDK. */
export const jdkTool = (name: string): string => join(findJdk() ?? '', 'bin', name)

/** The `java` that engines run on. */
export const java = (): string => jdkTool('java')
