import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { connectElastic } from '../../mixins/search/elastic-client.ts'
import { ElasticSearch } from '../../mixins/search/elastic-search.ts'
import { openSearchIndex } from '../../mixins/search/search.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import type { IndexDefinition, IndexedDocument, SearchIndex } from '../../mixins/search/port.ts'
import { productIndex } from '../../services/search/product-index.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { until } from '../support/until.ts'
import { searchContract } from './search.contract.ts'

/** An Elasticsearch: `npm run stack` gives one. */
const url = process.env['SOUK_TEST_ELASTICSEARCH_URL']

if (!url) test.skip('search in Elasticsearch: set SOUK_TEST_ELASTICSEARCH_URL to run it', () => {})
else {
  /** Indexes of this run alone. */
  const run = newId().replaceAll('-', '').slice(-12)
  const names = new Set<string>()
  const open = (definition: IndexDefinition, at = url): SearchIndex => {
    process.env['ELASTICSEARCH_URL'] = at
    const name = `t${run}${definition.name}`
    names.add(name)
    try {
      return openSearchIndex({ ...definition, name })
    } finally {
      delete process.env['ELASTICSEARCH_URL']
    }
  }
  afterAll(async () => {
    const client = connectElastic(url)
    const indexes = await client.indices.get({ index: `souk_search_t${run}*`, allow_no_indices: true })
    for (const index of Object.keys(indexes)) await client.indices.delete({ index })
    await client.bulk({ index: 'souk_search_generations', operations: [...names].map((id) => ({ delete: { _id: id } })) })
    await client.close()
  })

  describe('search in Elasticsearch', () => {
    searchContract(open)
  })

  describe('search in Elasticsearch, when it fails', () => {
    let proxy: FaultProxy
    let index: SearchIndex
    let beside: SearchIndex
    const definition = { ...productIndex, name: 'faults' }
    const thing = (id: string, version = 1): IndexedDocument => ({ id, version, doc: { title: `Thing ${id}`, popularity: version } })
    const all = { filters: {}, facets: [], sort: 'relevance', limit: 100 }
    const UNAVAILABLE = { type: 'unavailable', code: 503 }

    beforeAll(async () => {
      proxy = await FaultProxy.beforeUrl(url, 9200)
      index = open(definition, proxy.through(url))
      beside = open(definition)
      await beside.put([thing('there')])
      await until('it is found', async () => (await index.query(all)).total === 1)
    }, 60_000)
    afterEach(async () => {
      await proxy.heal()
      await until('the index answers again', () => index.query(all).then(() => true, () => false))
    })
    afterAll(async () => {
      await Promise.all([index.close(), beside.close()])
      await proxy.close()
    })

    test('the configuration alone chooses it', () => {
      expect(index).toBeInstanceOf(ElasticSearch)
    })

    test('down: unavailable in time, for reads and writes, and back without a restart', async () => {
      await proxy.refuse()
      const from = Date.now()
      await expect(index.query(all)).rejects.toMatchObject(UNAVAILABLE)
      await expect(index.suggest('th', 5)).rejects.toMatchObject(UNAVAILABLE)
      await expect(index.get(['there'])).rejects.toMatchObject(UNAVAILABLE)
      await expect(index.put([thing('late')])).rejects.toMatchObject(UNAVAILABLE)
      await expect(index.build()).rejects.toMatchObject(UNAVAILABLE)
      expect(Date.now() - from).toBeLessThan(10_000)
    })

    test('one that hangs is unavailable after three seconds, and late within them is an answer', async () => {
      proxy.delay(400)
      expect((await index.query(all)).total).toBe(1)
      proxy.pause()
      const from = Date.now()
      await expect(index.query(all)).rejects.toMatchObject(UNAVAILABLE)
      expect(Date.now() - from).toBeLessThan(5_000)
    })

    test('writes through cuts: what was acknowledged is there, at its version', async () => {
      const acknowledged = new Map<string, number>()
      let writing = true
      const cutting = (async () => {
        while (writing) {
          await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 600))
          if (Math.random() < 0.5) proxy.cut()
          else proxy.cutAfter(Math.floor(Math.random() * 1_500))
        }
      })()
      const end = Date.now() + 8_000
      for (let version = 2; Date.now() < end; version++) {
        const documents = Array.from({ length: 5 }, (_, i) => thing(`cut${(version + i) % 8}`, version))
        await index.put(documents).then(
          () => documents.forEach(({ id }) => acknowledged.set(id, version)),
          (error: unknown) => expect(error).toMatchObject(UNAVAILABLE)
        )
      }
      writing = false
      await cutting
      await proxy.heal()
      const held = new Map((await beside.get([...acknowledged.keys()])).map(({ id, version }) => [id, version]))
      expect(acknowledged.size).toBeGreaterThan(0)
      for (const [id, version] of acknowledged) expect(held.get(id)).toBeGreaterThanOrEqual(version)
    })

    test('a build whose process has died is taken over after a minute, and its late writes are refused', async () => {
      const dead = await index.build()
      await dead.put([thing('half')])
      await expect(beside.build()).rejects.toMatchObject({ type: 'conflict' })
      const client = connectElastic(url)
      const id = `t${run}faults`
      const { _source } = await client.get<{ building: object }>({ index: 'souk_search_generations', id })
      await client.index({ index: 'souk_search_generations', id, document: { ..._source, building: { ..._source!.building, touchedAt: Date.now() - 61_000 } } })
      await client.close()
      const next = await beside.build()
      await next.put([thing('anew')])
      for (const late of [dead.put([thing('late')]), dead.switch(), dead.abandon()]) await expect(late).rejects.toMatchObject({ type: 'conflict' })
      await next.switch()
      expect((await index.scan(undefined, 100)).map((d) => d.id)).toEqual(['anew'])
    })

    test('a switch that died between its two steps is finished by the next build', async () => {
      const client = connectElastic(url)
      const build = await index.build()
      await build.put([thing('switched')])
      const id = `t${run}faults`
      const { _source } = await client.get<{ live: { name: string }; building: { name: string } }>({ index: 'souk_search_generations', id })
      const { live, building } = _source!
      await client.indices.refresh({ index: building.name })
      const alias = `souk_search_${id}`
      await client.indices.updateAliases({ actions: [{ remove: { index: `${live.name}_data`, alias } }, { add: { index: `${building.name}_data`, alias } }] })
      await client.index({ index: 'souk_search_generations', id, document: { ..._source, building: { ...building, touchedAt: Date.now() - 61_000 } } })
      await client.close()
      expect(await beside.isCurrent()).toBe(true)
      const next = await beside.build()
      expect((await index.query(all)).hits.map((h) => h.id)).toEqual(['switched'])
      await next.abandon()
    })
  })
}
