import { PROBLEMS } from '../../mixins/primitives/problem.ts'
import type { JsonSchema } from '../../mixins/primitives/json-schema.ts'
import type { OpenApi } from './openapi.ts'

// The OpenAPI document as a page: plain HTML, no script, nothing from elsewhere.

const escape = (text: unknown): string => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

export const STYLE = `
:root{--ink:#1c2733;--dim:#5d6b7a;--line:#dde3ea;--paper:#fff;--soft:#f5f7fa;--go:#0a7d4f;--put:#9a5b00;--del:#b3261e;--get:#1257b8}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ef;--dim:#9aa7b5;--line:#2d3743;--paper:#12181f;--soft:#1a222b;--go:#56d39b;--put:#f0b35a;--del:#ff8a80;--get:#7db4ff}}
*{box-sizing:border-box}body{margin:0;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
a{color:inherit}main{max-width:62rem;margin:0 auto;padding:2rem 1.25rem 6rem}nav{display:flex;flex-wrap:wrap;gap:.4rem .9rem;margin:1rem 0 2rem;color:var(--dim)}
h1{font-size:1.7rem;margin:0}h2{margin:2.5rem 0 .5rem;font-size:1.2rem;text-transform:capitalize}
details{border:1px solid var(--line);border-radius:8px;margin:.5rem 0;background:var(--paper)}summary{cursor:pointer;padding:.55rem .8rem;display:flex;gap:.7rem;flex-wrap:wrap;align-items:baseline}
summary:focus-visible,a:focus-visible{outline:2px solid var(--get);outline-offset:2px}
details>div{padding:.2rem .9rem .9rem;border-top:1px solid var(--line)}code,pre{font:13px/1.45 ui-monospace,monospace}pre{background:var(--soft);padding:.7rem;border-radius:6px;overflow:auto;margin:.4rem 0}
b.m{font:700 12px ui-monospace,monospace;min-width:3.7rem}.GET{color:var(--get)}.POST{color:var(--go)}.PUT,.PATCH{color:var(--put)}.DELETE{color:var(--del)}
.dim,dd,h4{color:var(--dim)}h4{margin:.9rem 0 .2rem;font-size:.8rem;text-transform:uppercase;letter-spacing:.04em}dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.2rem 0}dt{font-family:ui-monospace,monospace;font-size:13px}dd{margin:0}
@media(max-width:34rem){dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}`

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escape(title)}</title><style>${STYLE}</style></head><body><main>${body}</main></body></html>`

const range = (schema: JsonSchema, least: string, most: string): string => {
  const [min, max] = [schema[least], schema[most]]
  return min === undefined && max === undefined ? '' : ` (${min ?? ''}–${max ?? ''})`
}

/** A schema as a short notation, indented like the JSON it stands for. */
function notation(schema: JsonSchema, indent = ''): string {
  if (Array.isArray(schema['anyOf'])) return (schema['anyOf'] as JsonSchema[]).map((s) => notation(s, indent)).join(' | ')
  const types = [schema['type']].flat().filter((type) => type !== 'null') as string[]
  const orNull = [schema['type']].flat().includes('null') ? ' | null' : ''
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => JSON.stringify(value)).join(' | ')
  if (types[0] === 'array') return `[${notation(schema['items'] as JsonSchema, indent)}]${orNull}`
  if (types[0] === 'object') return objectNotation(schema, indent) + orNull
  if (types[0] === 'integer' || types[0] === 'number') return `${types[0]}${safeRange(schema)}${orNull}`
  if (types[0] === 'string') return `text${schema['format'] ? ` ${String(schema['format'])}` : range(schema, 'minLength', 'maxLength')}${orNull}`
  return types[0] ?? 'anything'
}

const safeRange = (schema: JsonSchema): string => (Number(schema['maximum']) >= Number.MAX_SAFE_INTEGER ? '' : range(schema, 'minimum', 'maximum'))

function objectNotation(schema: JsonSchema, indent: string): string {
  const inner = `${indent}  `
  const required = new Set((schema['required'] as string[] | undefined) ?? [])
  const fields = Object.entries((schema['properties'] as Record<string, JsonSchema> | undefined) ?? {})
  const lines = fields.map(([name, field]) => `${inner}${name}${required.has(name) ? '' : '?'}: ${notation(field, inner)}${field['description'] ? `  // ${String(field['description'])}` : ''}`)
  const more = schema['additionalProperties']
  if (more && typeof more === 'object') lines.push(`${inner}<name>: ${notation(more as JsonSchema, inner)}`)
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`
}

interface Operation {
  operationId: string
  summary: string
  description?: string
  tags: string[]
  security: object[]
  parameters: { name?: string; in?: string; required?: boolean; schema?: JsonSchema; $ref?: string }[]
  requestBody?: { content: Record<string, { schema: JsonSchema }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: JsonSchema }> }>
}

function parameterList(operation: Operation, components: Record<string, { name: string; in: string; required: boolean; description: string }>): string {
  const items = operation.parameters.map((p) => {
    const shared = p.$ref ? components[p.$ref.split('/').at(-1)!]! : null
    const { name, in: where, required } = shared ?? (p as { name: string; in: string; required: boolean })
    const about = shared?.description ?? [notation(p.schema!), p.schema!['description']].filter(Boolean).join(', ')
    return `<dt>${escape(name)}</dt><dd>${escape(where)}${required ? ', required' : ''}: ${escape(about)}</dd>`
  })
  return items.length === 0 ? '' : `<h4>Parameters</h4><dl>${items.join('')}</dl>`
}

function operationHtml(method: string, path: string, operation: Operation, components: Parameters<typeof parameterList>[1]): string {
  const responses = Object.entries(operation.responses)
  const success = responses.find(([status, r]) => status.startsWith('2') && r.content?.['application/json'])
  const body = Object.entries(operation.requestBody?.content ?? {})[0]
  const open = operation.security.length === 0 || operation.security.some((s) => Object.keys(s).length === 0)
  return `<details id="${escape(operation.operationId)}"><summary><b class="m ${method}">${method}</b><code>${escape(path)}</code><span class="dim">${escape(operation.summary)}</span></summary><div>
<p class="dim">${open ? 'Anyone.' : 'Signed in.'} ${escape(operation.description ?? '')}</p>
${parameterList(operation, components)}
${body ? `<h4>Body, ${escape(body[0])}</h4><pre>${escape(notation(body[1].schema))}</pre>` : ''}
${success ? `<h4>Answer ${success[0]}</h4><pre>${escape(notation(success[1].content!['application/json']!.schema))}</pre>` : ''}
<h4>Statuses</h4><dl>${responses.map(([status, r]) => `<dt>${status}</dt><dd>${escape(r.description.replaceAll('`', ''))}</dd>`).join('')}</dl></div></details>`
}

/** The page at /docs. */
export function docsPage(document: OpenApi): string {
  const { info, paths, servers, components } = document as { info: { title: string; description: string; version: string }; paths: Record<string, Record<string, Operation>>; servers: [{ url: string }]; components: { parameters: never } }
  const operations = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path: servers[0].url + path, method: method.toUpperCase(), operation })))
  const byTag = Map.groupBy(operations, ({ operation }) => operation.tags[0]!)
  const sections = [...byTag].map(([tag, list]) => `<h2 id="tag-${escape(tag)}">${escape(tag)}</h2>${list.map((o) => operationHtml(o.method, o.path, o.operation, components.parameters)).join('')}`)
  return page(
    `${info.title} API`,
    `<h1>${escape(info.title)} API <span class="dim">${escape(info.version)}</span></h1><p>${escape(info.description)} The same as data: <a href="/openapi.json">openapi.json</a>.</p>
<nav>${[...byTag.keys()].map((tag) => `<a href="#tag-${escape(tag)}">${escape(tag)}</a>`).join('')}</nav>${sections.join('')}<h2 id="problems">Problems</h2>${problemList()}`
  )
}

const problemList = (): string =>
  `<dl>${Object.entries(PROBLEMS).map(([type, [status, title]]) => `<dt><a href="/problems/${type}">${type}</a></dt><dd>${status} ${escape(title)}</dd>`).join('')}</dl>`

/** The page that a problem's `type` leads to; null for a type there is none of. */
export function problemPage(type: string): string | null {
  if (!Object.hasOwn(PROBLEMS, type)) return null
  const [status, title] = PROBLEMS[type as keyof typeof PROBLEMS]
  return page(title, `<h1>${escape(title)}</h1><p class="dim"><code>/problems/${escape(type)}</code>, HTTP status ${status}. The member <code>detail</code> of the answer says what to do about it.</p><p><a href="/docs#problems">All problems</a></p>`)
}
