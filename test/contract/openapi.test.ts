import { readdirSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { ServiceSchema } from 'moleculer'
import { docsPage } from '../../services/gateway/docs.ts'
import { openApi } from '../../services/gateway/openapi.ts'
import { routeOf, type ApiRoute, type PublishedAction } from '../../services/gateway/routes.ts'

const services = new URL('../../services/', import.meta.url)

/** The routes of every face of the house, from its schema alone. */
async function allRoutes(): Promise<ApiRoute[]> {
  const routes: ApiRoute[] = []
  for (const domain of readdirSync(services)) {
    for (const file of readdirSync(new URL(`${domain}/`, services)).filter((name) => name.endsWith('.service.ts') && name !== 'gateway.service.ts')) {
      const { default: schema } = (await import(new URL(`${domain}/${file}`, services).href)) as { default: ServiceSchema }
      for (const [name, action] of Object.entries(schema.actions ?? {})) {
        const published = action as unknown as PublishedAction & { visibility: string }
        if (published.visibility === 'published') routes.push(routeOf({ ...published, name: `${schema.name}.${name}` }))
      }
    }
  }
  return routes
}

const routes = await allRoutes()
const document = openApi(routes)

describe('the OpenAPI document of the whole house', () => {
  test('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document))
    expect(result.errors).toBeUndefined()
    expect(result.valid).toBe(true)
  })

  test('one action serves one operation', () => {
    const rests = routes.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`)
    expect(rests.filter((rest, i) => rests.indexOf(rest) !== i)).toEqual([])
  })

  test.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))('%s is described, and its path parameters are declared', (_name, { action, plan }) => {
    expect(action.public.summary.length).toBeGreaterThan(3)
    for (const name of plan.path) expect(Object.keys(action.params)).toContain(name)
  })

  test('the page for people names every operation', () => {
    const page = docsPage(JSON.parse(JSON.stringify(document)))
    for (const { action } of routes) expect(page).toContain(`id="${action.name}"`)
  })
})
