import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { reachableCopy } from '../embedded/unprivileged.ts'
import type { Stack } from './stack.ts'

/** The project's own Node, where the engines' user can reach it: for the engines that are Node programs. */
export function ownNode(stack: Stack): string {
  const bin = dirname(realpathSync(process.execPath))
  return join(reachableCopy(bin, `node-${process.version}`, stack.user), 'node')
}
