// Loaded before a node's own code, in every thread: what SOUK_TEST_MUTANT names is broken as its module is read.
import { registerHooks } from 'node:module'
import { MUTANTS, type Mutant } from './mutant.ts'

const mutant = process.env['SOUK_TEST_MUTANT'] as Mutant

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    const changes = MUTANTS[mutant].filter(({ file }) => url.endsWith(file))
    if (changes.length === 0) return loaded
    let source = String(loaded.source)
    for (const { file, sound, broken } of changes) {
      if (!source.includes(sound)) throw new Error(`the mutant ${mutant} does not find its place in ${file} any more`)
      source = source.replaceAll(sound, broken)
    }
    return { ...loaded, source }
  }
})
