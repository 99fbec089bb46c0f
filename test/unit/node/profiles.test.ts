import { expect, test } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkDependencies, PROFILES, threadsOf } from '../../../nodes/profiles.ts'

const services = fileURLToPath(new URL('../../../services/', import.meta.url))

/** Every service there is, by the name a profile uses: read from the files, so that none is forgotten. */
const existing = readdirSync(services, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: domain }) =>
    readdirSync(`${services}${domain}`)
      .filter((file) => file.endsWith('.ts') && readFileSync(`${services}${domain}/${file}`, 'utf8').includes('export default service('))
      .map((file) => file.replace(/(\.service)?\.ts$/, ''))
  )
  .sort()

test('the profile of one machine has every service there is, once', () => {
  expect(threadsOf('all', true).flatMap(({ services: names }) => names).sort()).toEqual(existing)
})

test.each(Object.keys(PROFILES))('profile %s names services that exist, on threads with names of their own', (name) => {
  const threads = threadsOf(name, true)
  expect(threads.flatMap((thread) => thread.services).filter((service) => !existing.includes(service))).toEqual([])
  expect(new Set(threads.map((thread) => thread.name)).size).toBe(threads.length)
})

test('threads of one kind are numbered, and share what only one can have', () => {
  const web = threadsOf('wide', false).filter((thread) => thread.services.includes('gateway'))
  expect(web.map(({ name, metadata }) => [name, metadata])).toEqual([1, 2, 3].map((n) => [`web-${n}`, { sharesPort: true }]))
})

test('a node may have as many threads of each kind as its machine allows; what nobody waits for stays one', () => {
  expect(threadsOf('all', true, 2).map(({ name }) => name)).toEqual(['web-1', 'web-2', 'commerce-1', 'commerce-2', 'background'])
  expect(threadsOf('wide', true, 1).map(({ name }) => name)).toEqual(['web', 'commerce', 'background'])
  expect(threadsOf('edge', true, 2).map(({ name }) => name)).toEqual(['web-1', 'web-2'])
})

test('outside parties are played by a demo only', () => {
  const withoutDemo = threadsOf('all', false).flatMap((thread) => thread.services)
  expect(withoutDemo).not.toContain('provider')
  expect(withoutDemo).not.toContain('carrier')
})

test('a dependency that no thread provides is named with who needs it', () => {
  const web = { name: 'web', loaded: [{ name: 'cart', dependencies: ['cart.worker'] }] }
  expect(() => checkDependencies([web])).toThrow('the profile is not complete: cart (thread web) needs cart.worker, which no thread of this node has')
  expect(() => checkDependencies([web, { name: 'work', loaded: [{ name: 'cart.worker', dependencies: [] }] }])).not.toThrow()
})
