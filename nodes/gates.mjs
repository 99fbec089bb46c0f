// What a change must pass before its tests are worth running. Each gate is quick, so all of them run on the whole tree.
const GATES = [
  { name: 'types', says: 'TypeScript', args: ['node_modules/typescript/bin/tsc', '-p', '.'] },
  { name: 'lint', says: 'oxlint, with types', args: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'imports', says: 'layers and circles', args: ['node_modules/dependency-cruiser/bin/dependency-cruise.mjs', '--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'nodes', 'services', 'mixins', 'infra', 'test', 'moleculer.config.ts'] },
  { name: 'dead code', says: 'unused files, exports and packages', args: ['node_modules/knip/bin/knip.js', '--no-progress', '--no-config-hints'] }
]

/** Runs the gates one after another; answers the exit code of the first that fails, else 0. */
export async function runGates(run) {
  for (const { name, says, args } of GATES) {
    const startedAt = Date.now()
    process.stdout.write(`▸ ${name}: ${says}\n`)
    const code = await run(args)
    if (code !== 0) {
      console.error(`souk: the gate "${name}" failed`)
      return code
    }
    process.stdout.write(`  passed in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s\n`)
  }
  return 0
}

/** The gates, then the tests (those that match a pattern, if one is given: then without the gates). Jest's own summary comes last. */
export async function runTests(run, args) {
  const code = args.length > 0 ? 0 : await runGates(run)
  if (code !== 0) return code
  process.stdout.write('▸ tests: Jest\n')
  return run(['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning', 'node_modules/jest/bin/jest.js', '--maxWorkers=2', ...args])
}
